/**
 * Makes somebody else's text safe for a terminal: no character moves the cursor, changes a colour or reorders the line.
 * What joins two emoji to one stays.
 */
export const harmless = (text: string): string =>
  text.replace(
    /(?!\r\n|[\t\n]|(?<=\p{ExtPict}[\ufe0f\p{EMod}]?)\u200d\p{ExtPict})[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) =>
      // Each UTF-16 half on its own, as JSON escapes it: so an escaped JSON text still means the same.
      character.replace(/[\s\S]/g, (half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
