// What the walks share: a house of their own, a browser that takes note of every complaint, checks that count.
import { spawn, spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = path.dirname(fileURLToPath(import.meta.url))
export const BINARY = path.resolve(process.argv[2] ?? path.join(HERE, '../../target/debug/donghanh'))
export const SHOTS = process.env.SHOTS
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const SWITCHES = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']
const WIDE = { width: 1280, height: 900 }
export const NARROW = { width: 390, height: 844 }

export const NAME = 'Đặng Thị Ánh Nguyệt'.normalize('NFC')
export const DECOMPOSED = NAME.normalize('NFD')
export const FULL_WIDTH = '９９９２０４０００００１'
/** Words of synthetic people and staff; none may stand in a list or in the log. */
export const NAMES = [NAME, DECOMPOSED, 'Nguyệt', 'Người mẫu', '(mẫu', 'Cán bộ Mẫu', 'Giám sát Mẫu', '999204000001']

export const tally = { passed: 0, failed: [] }
export function check (what, good, detail = '') {
  if (good) { tally.passed += 1; return true }
  tally.failed.push(what)
  console.log(`FAIL  ${what}${detail === '' ? '' : `\n      ${String(detail).slice(0, 900)}`}`)
  return false
}
export function same (what, found, wanted) { return check(what, found === wanted, `found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`) }
export function has (what, text, part) { return check(what, text.includes(part), `no ${JSON.stringify(part)} in: ${text.replace(/\s+/g, ' ').slice(0, 500)}`) }
export function lacks (what, text, parts) {
  const found = [parts].flat().filter((part) => text.includes(part))
  return check(what, found.length === 0, `found ${JSON.stringify(found)}`)
}
export async function part (title, walk) {
  const start = Date.now()
  try { await walk() } catch (error) { check(`${title}: the walk goes on`, false, error.stack) }
  console.log(`${((Date.now() - start) / 1000).toFixed(1).padStart(5)} s  ${title}`)
}

// ---- The house -----------------------------------------------------------------------------------------------------

export const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'donghanh-walk-'))
export const PROGRAM = path.join(FOLDER, 'donghanh')

/** A fresh data folder with synthetic people and a server of its own. */
export class House {
  static async open (name, config) {
    const house = new House()
    house.data = path.join(FOLDER, name)
    house.key = path.join(FOLDER, `${name}.key`)
    house.run('init')
    fs.writeFileSync(path.join(house.data, 'config.toml'), `listen = "127.0.0.1:0"\n${config}`)
    house.run('demo', 'fill', '--cases', '60')
    house.used = new Map()
    house.said = ''
    house.server = spawn(PROGRAM, house.arguments('serve'), { stdio: ['ignore', 'pipe', 'pipe'] })
    house.server.stderr.on('data', (text) => { house.said += text })
    house.ended = new Promise((resolve) => house.server.once('exit', (code) => resolve(code)))
    house.url = await new Promise((resolve, reject) => {
      let out = ''
      house.server.stdout.on('data', (text) => {
        out += text
        const found = /Listening on (https?:\/\/\S+)/.exec(out)
        if (found) resolve(found[1])
      })
      house.ended.then((code) => reject(new Error(`the server ended with ${code}: ${house.said}`)))
    })
    const { users } = JSON.parse(fs.readFileSync(path.join(house.data, 'demo.json'), 'utf8'))
    const of = (role, org) => users.filter((user) => user.role === role && user.org.endsWith(org))
    ;[house.worker, house.colleague] = of('social_worker', '-A')
    ;[house.stranger] = of('social_worker', '-B')
    ;[house.supervisor] = of('supervisor', '-A')
    ;[house.officer] = of('legal_aid_officer', '')
    ;[house.liaison] = of('liaison', '')
    ;[house.auditor] = of('auditor', '')
    ;[house.custodian] = of('key_custodian', '')
    return house
  }

  arguments (...rest) { return ['--data', this.data, '--key-file', this.key, ...rest] }

  run (...rest) {
    const done = spawnSync(PROGRAM, this.arguments(...rest), { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`donghanh ${rest.join(' ')}: ${done.stderr}`)
  }

  /** A second factor that this user has not shown yet: the one-time code of now, else a recovery code. */
  second (user) {
    const step = Math.floor(Date.now() / 30_000)
    if (this.used.get(user.code) !== undefined) return user.recovery.shift()
    this.used.set(user.code, step)
    return oneTimeCode(user.totp, step)
  }

  async close () {
    this.server.kill('SIGTERM')
    const slow = setTimeout(() => this.server.kill('SIGKILL'), 15_000)
    const code = await this.ended
    clearTimeout(slow)
    return code
  }
}

/** RFC 6238: SHA-1, six digits, 30 s. */
export function oneTimeCode (secret, step) {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', Buffer.from(secret, 'base64url')).update(counter).digest()
  const at = mac[19] & 15
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

// ---- The browser ---------------------------------------------------------------------------------------------------

/** The one browser of a run, and what is put before the names of pages that are walked a second time. */
export const state = { browser: undefined, again: '' }
export const titles = new Map()
export const toJudge = new Map()
let shot = 0

/** A fresh browser profile that takes note of every complaint of its pages. */
export async function visitor (house, options = {}) {
  const context = await state.browser.newContext({ baseURL: house.url, locale: 'vi-VN', viewport: WIDE, ignoreHTTPSErrors: house.url.startsWith('https'), ...options })
  context.setDefaultTimeout(8000)
  context.allowed = []
  context.on('page', (page) => watch(context, page))
  context.house = house
  return context
}

export const isAllowed = (context, url, status) => context.allowed.some((one) => one.status === Number(status) && new URL(url).pathname.match(one.path))

export function watch (context, page) {
  page.on('pageerror', (error) => check(`no script error on ${page.url()}`, false, error.stack))
  page.on('console', (message) => {
    const text = message.text()
    const status = /^Failed to load resource: .* status of (\d{3})/.exec(text)?.[1]
    if (status && isAllowed(context, message.location().url, status)) return
    // A picture alone stands in a sandbox without an origin, to which this house gives nothing, not even an icon.
    if (/NotSameOrigin/.test(text) && message.location().url.endsWith('/favicon.ico')) return
    if (message.type() === 'error' || /content security policy/i.test(text)) check(`no console error on ${page.url()}`, false, `${text} (${message.location().url})`)
  })
  page.on('response', (response) => {
    if (response.status() < 400 || isAllowed(context, response.url(), response.status())) return
    check('no unexpected status', false, `${response.status()} ${response.request().method()} ${response.url()}`)
  })
}

/** Pages that are meant to be refused. */
export const allow = (context, status, where) => context.allowed.push({ status, path: where })

/** Does something that leads to another page; gives its response. */
export async function go (page, act) {
  // The address may change without a new page: it names the draft that was kept.
  const isPage = (response) => {
    const request = response.request()
    return request.isNavigationRequest() && request.frame() === page.mainFrame() && (response.status() < 300 || response.status() >= 400)
  }
  const [response] = await Promise.all([page.waitForResponse(isPage), page.waitForEvent('load'), act()])
  return response
}

/** The session cookie of a house. */
export const cookieOf = (house) => house.url.startsWith('https') ? '__Host-dh' : 'dh'

/** Every page that is seen: a picture, no missing wording, no sideways scrolling; axe judges it at the end. */
export async function seen (page, name) {
  shot += 1
  const label = `${state.again}${String(shot).padStart(2, '0')}-${name}`
  const found = await page.evaluate(() => ({
    html: '<!DOCTYPE html>' + document.documentElement.outerHTML,
    text: document.body.innerText,
    lang: document.documentElement.lang,
    title: document.title,
    fonts: [...document.body.querySelectorAll('*')].filter((one) => {
      const family = getComputedStyle(one).fontFamily
      return [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && !/Be Vietnam Pro|monospace/.test(family)
    }).map((one) => `${one.tagName.toLowerCase()} ${one.innerText?.slice(0, 40)}`),
    wide: document.scrollingElement.scrollWidth,
    room: innerWidth
  }))
  check(`${label}: no sideways scrolling`, found.wide <= found.room, `${found.wide} > ${found.room}`)
  check(`${label}: one typeface`, found.fonts.length === 0, found.fonts)
  const keys = found.text.match(/\b(answer|clock|code|deadline|error|fault|field|group|hint|kind|log|noun|purpose|role|verify)-[a-z_-]+/g) ?? []
  check(`${label}: no wording is missing`, keys.length === 0, keys)
  // Seen a second time, a page is judged and pictured no more.
  if (state.again) return found.text
  titles.set(name, found.title)
  toJudge.set(label, { html: found.html, url: page.url(), viewport: page.viewportSize() })
  if (SHOTS) await page.screenshot({ path: path.join(SHOTS, `${label}.png`), fullPage: true })
  return found.text
}

/** axe on the same markup and the house's own styles, in a profile of its own where the policy does not stop it. */
export async function judge (house) {
  const axe = fs.readFileSync(path.join(HERE, 'node_modules/axe-core/axe.min.js'), 'utf8')
  const context = await state.browser.newContext({ bypassCSP: true, ignoreHTTPSErrors: true, locale: 'vi-VN' })
  const queue = [...toJudge]
  let clean = 0
  await Promise.all([1, 2, 3].map(async () => {
    const page = await context.newPage()
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [label, { html, viewport }] = next
      const address = `${house.url}/judged/${label}`
      await page.setViewportSize(viewport)
      await page.route(address, (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }))
      await page.goto(address)
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { rules: { 'target-size': { enabled: true } } }))
      const told = violations.map((one) => `${one.id} (${one.impact}): ${one.nodes.map((node) => node.target.join(' ')).slice(0, 4).join(' | ')}`)
      if (check(`${label}: axe finds nothing`, told.length === 0, told.join('\n      '))) clean += 1
    }
  }))
  await context.close()
  return clean
}

export const mainText = (page) => page.locator('#main').innerText()
export const focused = (page, selector) => page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)
export const valueOf = (page, selector) => page.locator(selector).inputValue()

export async function signIn (page, user, { password = user.password } = {}) {
  const { house } = page.context()
  await page.fill('#code', user.code)
  await page.fill('#password', password)
  await page.fill('#second', house.second(user))
  return go(page, () => page.click('main button'))
}

export async function signedIn (house, user, options) {
  const context = await visitor(house, options)
  const page = await context.newPage()
  await page.goto('/sign-in')
  await signIn(page, user)
  return page
}

/** Goes to an element with the Tab key alone, and looks whether the focus can be seen there. */
export const tabTo = (page) => async (selector) => {
    for (let tabs = 0; tabs < 120; tabs += 1) {
      if (await focused(page, selector)) {
        const shown = await page.evaluate(() => {
          const one = document.activeElement
          const box = one.getBoundingClientRect()
          const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0
          // A box of the kit wears its ring on the label.
          const look = () => [[one, null], [one.nextElementSibling ?? one, '::before']].map(([of, part]) => {
            const { outline, boxShadow, backgroundColor } = getComputedStyle(of, part)
            return [outline, boxShadow, backgroundColor].join()
          }).join()
          const withFocus = look()
          one.blur()
          const without = look()
          one.focus()
          return { inside, ring: withFocus !== without }
        })
        check(`${selector} shows the focus`, shown.inside && shown.ring, JSON.stringify(shown))
        return
      }
      await page.keyboard.press('Tab')
    }
    throw new Error(`the keyboard does not reach ${selector}`)
  }
