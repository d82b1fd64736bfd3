/** Text of somebody else's, for a terminal: no character in it moves the cursor, changes a colour or reorders the line. */
export const harmless = (text: string): string =>
  text.replace(/(?!\r\n|[\t\n])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
    // By its halves, as JSON has it: what is escaped in a JSON text is the same text.
    character.replace(/[\s\S]/g, (half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
