#!/usr/bin/env bash
# Rebuild the vendor folder. Rerunnable; versions are pinned in package.json and package-lock.json.
set -euo pipefail
cd "$(dirname "$0")"
export NO_UPDATE_NOTIFIER=1
if [ -f package-lock.json ]; then npm ci --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error
else npm install --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error; fi

rm -rf out
mkdir -p out/vendor/fonts out/vendor/licences out/test
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT

node_modules/.bin/sass --style=compressed --no-source-map --load-path=. app.scss "$tmp/raw.css"
node tools/postcss.mjs "$tmp/raw.css" out/vendor/donghanh.css

cp js/donghanh.js out/vendor/donghanh.js
cp node_modules/axe-core/axe.min.js out/test/axe.min.js
for w in 400 700; do for s in latin latin-ext vietnamese; do
  cp "node_modules/@fontsource/be-vietnam-pro/files/be-vietnam-pro-$s-$w-normal.woff2" out/vendor/fonts/
done; done

# govuk-frontend and MOJ Frontend ship no licence file in their npm packages; licences/ holds the text from their repositories.
cp licences/govuk-frontend-MIT.txt licences/moj-frontend-MIT.txt out/vendor/licences/
cp node_modules/@fontsource/be-vietnam-pro/LICENSE out/vendor/licences/be-vietnam-pro-OFL-1.1.txt
cp node_modules/axe-core/LICENSE out/vendor/licences/axe-core-MPL-2.0.txt
cp node_modules/axe-core/LICENSE-3RD-PARTY.txt out/vendor/licences/axe-core-third-party.txt
chmod -R u=rwX,go=rX out

(cd out && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum > SHA256SUMS)
echo "donghanh.css: $(stat -c %s out/vendor/donghanh.css) bytes, $(gzip -9c out/vendor/donghanh.css | wc -c) gzipped"
