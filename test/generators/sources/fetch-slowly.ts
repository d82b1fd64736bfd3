// A program: fetches what its arguments name, and says how that ended.
import { fetchSource } from '../../../generators/sources/fetch.ts';
import { parseSource } from '../../../generators/sources/source.ts';

const [text = ''] = process.argv.slice(2);
const { resolved } = await fetchSource(parseSource(text), { cwd: process.cwd(), environment: process.env });
console.log(resolved);
