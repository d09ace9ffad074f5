/** Writes down the licences of the packages that a bundle holds. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const NOVNC = 'node_modules/@novnc/novnc';

/** What noVNC's own LICENSE.txt names besides its MPL-2.0, by the folder or file it is in. */
const WITHIN_NOVNC = [
  { path: 'core/crypto/des.js', title: 'DES cipher in noVNC', text: leadingComment },
  { path: 'vendor/pako/', title: 'pako in noVNC (MIT)', text: pakoLicence },
];

/**
 * The text of THIRD_PARTY_LICENSES.md.
 *
 * @param {string} root folder that holds node_modules
 * @param {import('esbuild').Metafile} metafile what was bundled
 */
export function licences(root, metafile) {
  const inputs = Object.keys(metafile.inputs).map((name) =>
    name.replace(/^.*?(?=node_modules\/)/, ''),
  );
  const packages = new Set(
    inputs.map((name) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1]).filter(Boolean),
  );
  const sections = [...packages].sort().map((name) => packageSection(root, name));
  for (const { path, title, text } of WITHIN_NOVNC) {
    if (inputs.some((name) => name.startsWith(`${NOVNC}/${path}`))) {
      sections.push(section(title, '', text(join(root, NOVNC))));
    }
  }
  return [
    '# Third-party licences',
    '',
    'Written by the build (`npm run build` in `labextension/`) from what it bundles into',
    '`jupyter_xdisplay/static/`.',
    '',
    ...sections,
  ].join('\n');
}

function packageSection(root, name) {
  const folder = join(root, 'node_modules', name);
  const { version, license, homepage } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const note =
    name === '@novnc/novnc'
      ? `${homepage}, unchanged; its source is the npm package of that version.`
      : String(homepage ?? '');
  return section(`${name} ${version} (${license})`, note, packageLicence(folder));
}

function packageLicence(folder) {
  const names = ['docs/LICENSE.MPL-2.0', 'LICENSE', 'LICENSE.md', 'LICENSE.txt'];
  const found = names.map((name) => join(folder, name)).find(existsSync);
  if (!found) {
    throw new Error(`no licence text in ${folder}`);
  }
  return readFileSync(found, 'utf8');
}

function pakoLicence(novnc) {
  return readFileSync(join(novnc, 'vendor/pako/LICENSE'), 'utf8');
}

function leadingComment(novnc) {
  const source = readFileSync(join(novnc, 'core/crypto/des.js'), 'utf8');
  return source.slice(source.indexOf('/*') + 2, source.indexOf('*/')).replace(/^ \* ?/gm, '');
}

function section(title, note, text) {
  return [`## ${title}`, '', ...(note ? [note, ''] : []), '```text', text.trim(), '```', ''].join(
    '\n',
  );
}
