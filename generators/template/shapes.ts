/** The places where a template is tested: a new project, and repositories that existed before. */

export interface Shape {
  readonly name: string;
  /** The command that adds the template there. */
  readonly command: 'create' | 'add';
  /** The files that exist before, by their paths. */
  readonly files: { readonly [path: string]: string };
  /** The tsconfigs for type checks, each with further arguments for the compiler. */
  readonly checks: readonly (readonly string[])[];
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const scripts = { test: 'node --test' };

export const SHAPES: readonly Shape[] = [
  { name: 'a new project', command: 'create', files: {}, checks: [['tsconfig.json']] },
  {
    name: 'an ESM package',
    command: 'add',
    files: {
      'package.json': json({ name: 'esm-package', version: '1.0.0', private: true, type: 'module', scripts }),
      'index.js': 'export const answer = 42;\n',
    },
    checks: [['tasks/tsconfig.json']],
  },
  {
    name: 'a CommonJS package',
    command: 'add',
    files: {
      'package.json': json({ name: 'commonjs-package', version: '1.0.0', private: true, type: 'commonjs', scripts }),
      'tsconfig.json': json({
        compilerOptions: { target: 'es2022', module: 'node16', strict: true, outDir: 'out', types: ['node'] },
      }),
      'src/index.ts': 'export const answer: number = 42;\n',
    },
    // The package's own type check must still pass: divvy's files must not affect it.
    checks: [['tasks/tsconfig.json'], ['tsconfig.json', '--noEmit']],
  },
];
