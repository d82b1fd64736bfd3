// A source as it is typed, fetched as a person would who has no settings of git.
import { type Fetched, fetchSource } from '../../../generators/sources/fetch.ts';
import { parseSource } from '../../../generators/sources/source.ts';
import { settings } from './repositories.ts';

export interface Options {
  readonly ref?: string;
  readonly expected?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

export const fetchText = (text: string, { environment = settings({}), ...rest }: Options = {}): Promise<Fetched> =>
  fetchSource(parseSource(text), { cwd: '/', environment, ...rest });
