// Make the compiled CSS fit the CSP, then prove it. Usage: node tools/postcss.mjs in.css out.css
import { readFileSync, writeFileSync } from 'node:fs'
const [, , src, dst] = process.argv
let css = readFileSync(src, 'utf8').replace(/^\uFEFF/, '').replace(/^@charset "[^"]*";/, '')
const okUrl = /^["']?\/static\/vendor\/fonts\/[\w-]+\.woff2["']?$/
// 1. Drop every declaration whose url() is not one of our font files.
const dropped = []
css = css.replace(/([;{])([a-z-]+:[^;{}]*url\(([^)]*)\)[^;{}]*);?(?=([^;]|$))/g, (all, lead, decl, url) => {
  if (okUrl.test(url)) return all
  dropped.push(decl)
  return lead
})
// 1b. Smaller: fallbacks of custom properties that :root always defines, and the
//     print font rules, which --dh-font now covers.
css = css.replace(/var\((--govuk-[a-z-]+-colour), ?#[0-9a-f]{3,8}\)/gi, (all, name) => css.includes(name + ':') ? `var(${name})` : all)
css = css.replace(/@media print\{[^{}]+\{font-family:var\(--dh-font\)\}\}/g, '')
// 2. Drop rules left empty.
for (let prev; prev !== css;) { prev = css; css = css.replace(/(^|[{};])[^{};@]+\{\}/g, '$1') }
// 3. Pure ASCII, so the served charset cannot matter.
css = css.replace(/[^\x00-\x7F]/gu, c => '\\' + c.codePointAt(0).toString(16) + ' ')
// 4. Checks.
const urls = [...css.matchAll(/url\(([^)]*)\)/g)].map(m => m[1])
const bad = urls.filter(u => !okUrl.test(u))
const fail = []
if (bad.length) fail.push('url() outside fonts: ' + bad.join(' '))
for (const w of [/data:/i, /GDS Transport/i, /crown(?! copyright|,)/i, /crest(?!,)/i, /@import/i, /(?<!\[href\^=")https?:/i, /expression\(/i, /sourceMappingURL/])
  if (w.test(css.replace(/^\/\*![\s\S]*?\*\//, ''))) fail.push('found ' + w)
let depth = 0
for (const c of css.replace(/"(?:\\.|[^"\\])*"|\/\*[\s\S]*?\*\//g, '')) { if (c === '{') depth++; if (c === '}') depth--; if (depth < 0) break }
if (depth !== 0) fail.push('unbalanced braces')
writeFileSync(dst, css.trimEnd() + '\n')
console.log(`dropped ${dropped.length} declaration(s) with url():`)
for (const d of dropped) console.log('  ' + d)
console.log(`kept ${urls.length} url(), all fonts: ${bad.length === 0}`)
if (fail.length) { console.error('FAIL\n' + fail.join('\n')); process.exit(1) }
