/** Bundles the views into the Python package, with the licences of what is bundled. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context, transform } from 'esbuild';
import { licences } from './licences.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const minifiedCss = {
  name: 'minified-css',
  setup(plugin) {
    plugin.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const { code } = await transform(source, { loader: 'css', minify: true });
      return { contents: code, loader: 'text' };
    });
  },
};

const options = {
  outdir: join(here, '../jupyter_xdisplay/static'),
  bundle: true,
  format: 'esm',
  // noVNC awaits at top level.
  target: 'es2022',
  charset: 'utf8',
  minify: true,
  legalComments: 'none',
  logLevel: 'info',
  plugins: [minifiedCss],
};

const views = {
  ...options,
  // Each whole by itself: without the server extension the widget's travels as one text.
  entryPoints: [join(here, 'src/widget.ts'), join(here, 'src/page.ts')],
  banner: {
    js: '/* jupyter_xdisplay, BSD-3-Clause; with noVNC, MPL-2.0: THIRD_PARTY_LICENSES.md */',
  },
  metafile: true,
};

/** Travels with each widget: nothing in it that need not be. */
const loader = { ...options, entryPoints: [join(here, 'src/loader.ts')] };

if (process.argv.includes('--tests')) {
  const tests = readdirSync(join(here, 'tests')).filter((name) => name.endsWith('.test.ts'));
  await build({
    entryPoints: tests.map((name) => join(here, 'tests', name)),
    outdir: join(here, 'build/tests'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    logLevel: 'warning',
    plugins: [minifiedCss],
  });
} else if (process.argv.includes('--watch')) {
  await (await context(loader)).watch();
  await (await context(views)).watch();
} else {
  await build(loader);
  const { metafile } = await build(views);
  writeFileSync(join(here, '../THIRD_PARTY_LICENSES.md'), licences(here, metafile));
}
