// Walks the house with a real browser, in Vietnamese: node walk.mjs [BINARY]. Screenshots go to the folder in SHOTS.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { chromium } from 'playwright-core'
import {
  BINARY, CHROMIUM, DECOMPOSED, FOLDER, FULL_WIDTH, House, NAME, NAMES, NARROW, PROGRAM, SHOTS, SWITCHES, allow, check, cookieOf, focused, go, has, judge,
  lacks, mainText, part, same, seen, signIn, signedIn, state, tabTo, tally, titles, toJudge, valueOf, visitor
} from './lib.mjs'
import { centre, conclusion, ending, keyboardOfAuditor, keyboardOfCentre, narrowWork, support } from './work.mjs'
import { attachments, attachmentsNarrow } from './attachments.mjs'
import { orders } from './orders.mjs'
import { sealed } from './sealed.mjs'

const CASE = /\/cases\/[^/?]+/
const GROUP = /^\/cases\/[^/]+\/groups\/[a-z]+$/
const OPENING = /^\/cases\/[^/]+\/groups\/[a-z]+\/opening$/

// ---- The walk ------------------------------------------------------------------------------------------------------

const mine = {}

async function one (house) {
  const context = await visitor(house)
  const page = await context.newPage()
  allow(context, 422, /^\/sign-in$/)
  const landed = await page.goto('/cases')
  same('a visitor lands on the sign-in page', new URL(landed.url()).pathname, '/sign-in')
  await seen(page, 'sign-in')
  same('the page says its language', await page.getAttribute('html', 'lang'), 'vi')
  const wrong = await signIn(page, house.worker, { password: 'sai mật khẩu rồi' })
  same('a wrong password is refused', wrong.status(), 422)
  has('the refusal says what to do', await seen(page, 'sign-in-wrong'), 'Mã cán bộ, mật khẩu hoặc mã một lần chưa đúng')
  same('the staff code is kept', await valueOf(page, '#code'), house.worker.code)
  same('the password is not sent back', await valueOf(page, '#password'), '')
  check('the summary has the focus', await focused(page, '.govuk-error-summary'))
  await signIn(page, house.worker)
  same('the right password leads to the list', new URL(page.url()).pathname, '/cases')
  const list = await seen(page, 'cases')
  lacks('the list shows no name', await page.content(), NAMES)
  check('the list shows case numbers', /DH-\d{4}-[0-9A-Z]{6}-[0-9A-Z]/.test(list), list)
  has('the frame names the staff code', list, house.worker.code)
  const cookies = await context.cookies()
  const session = cookies.find((cookie) => cookie.name === cookieOf(house))
  check('the session cookie is HttpOnly and Strict', session?.httpOnly && session.sameSite === 'Strict', JSON.stringify(cookies))
  mine.page = page
}

async function two () {
  const { page } = mine
  await go(page, () => page.click('nav a[href="/intakes/new"]'))
  await seen(page, 'intake')
  const status = page.locator('[data-autosave-status]')
  same('no draft status before typing', await status.innerText(), '')
  await page.locator('#alias').focus()
  await page.keyboard.insertText(DECOMPOSED)
  await page.fill('#place', 'Trụ sở <b>đậm</b>')
  await page.check('#urgent_needs-food')
  await page.selectOption('#danger', 'high')
  await page.waitForFunction(() => document.querySelector('[data-autosave-status]').textContent !== '', null, { timeout: 6000 })
  has('the draft says that it is kept', await status.innerText(), 'Đã lưu nháp')
  await seen(page, 'intake-autosaved')
  check('the address names the draft', /\?draft=[0-9a-z]{26}$/i.test(page.url()), page.url())
  await page.reload()
  has('after a reload the draft is there and says so', await seen(page, 'intake-draft'), 'bản nháp anh/chị chưa lưu')
  same('the draft kept the alias', (await valueOf(page, '#alias')).normalize('NFC'), NAME)
  same('the draft kept the place', await valueOf(page, '#place'), 'Trụ sở <b>đậm</b>')
  check('the draft kept the box', await page.isChecked('#urgent_needs-food'))
  // Enter in a field keeps the draft and opens nothing.
  await page.focus('#alias')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.querySelector('[data-autosave-status]').textContent !== '', null, { timeout: 6000 })
  has('Enter keeps the draft', await status.innerText(), 'Đã lưu nháp')
  // Whoever leaves right after the last key loses nothing; an empty form is about somebody else.
  await page.fill('#place', 'Trụ sở <b>đậm</b> khác')
  await page.click('nav a[href="/intakes/new"]')
  await page.waitForURL((url) => url.pathname === '/intakes/new' && !url.search)
  same('a new form is empty', await valueOf(page, '#alias'), '')
  await seen(page, 'intake-drafts')
  await go(page, () => page.click('main a[href*="?draft="]'))
  same('what was typed last is there', await valueOf(page, '#place'), 'Trụ sở <b>đậm</b> khác')
  await page.fill('#place', 'Trụ sở <b>đậm</b>')
  const saved = await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  same('the intake is saved', saved.status(), 200)
  check('the case page opens', CASE.test(page.url()), page.url())
  mine.url = new URL(page.url()).pathname
  const text = await seen(page, 'case-new')
  has('the case shows the composed name', text, NAME)
  lacks('the case shows no decomposed name', await page.content(), DECOMPOSED)
  has('markup that was typed is text', text, 'Trụ sở <b>đậm</b>')
  has('the case is marked urgent', text, 'Khẩn cấp')
  has('the page says that it was saved', text, 'Đã lưu và ghi nhật ký')
  mine.number = /DH-\d{4}-[0-9A-Z]{6}-[0-9A-Z]/.exec(await page.innerText('h1'))?.[0]
  check('the heading shows the case number', Boolean(mine.number))
  await page.goto('/intakes/new')
  same('no draft is left', await page.locator('main a[href*="?draft="]').count(), 0)
  // The last key is pressed less than two seconds before the button, and the answer takes its time.
  await page.goto('/intakes/new')
  await page.route('**/intakes', async (route) => {
    const response = await route.fetch({ maxRedirects: 0 })
    await new Promise((resolve) => setTimeout(resolve, 2500))
    await route.fulfill({ response })
  })
  await page.fill('#alias', 'Bé Mẫu')
  await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  await page.unroute('**/intakes')
  await page.goto('/intakes/new')
  same('no draft is written behind a saved intake', await page.locator('main a[href*="?draft="]').count(), 0)
  await page.goto('/cases')
  lacks('the list still shows no name', await page.content(), NAMES)
}

async function three () {
  const { page } = mine
  const context = page.context()
  allow(context, 422, GROUP)
  await page.goto(mine.url)
  await go(page, () => page.click('a[href$="/groups/identity"]'))
  await seen(page, 'identity')
  const typed = { '#alias': NAME, '#full_name': '  Đặng   Thị Ánh Nguyệt', '#other_names': 'Bé "Na" & chị', '#birth': '31/02/1999', '#id_number': '9992040000011', '#nationality': 'Việt Nam' }
  for (const [field, text] of Object.entries(typed)) await page.fill(field, text)
  await page.selectOption('[name="language.state"]', 'declined')
  await page.selectOption('#sex', 'female')
  const refused = await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  same('a wrong date and number are refused', refused.status(), 422)
  const text = await seen(page, 'identity-faults')
  check('the summary of faults has the focus', await focused(page, '.govuk-error-summary'))
  has('the date fault says what is wrong', text, 'Không có ngày này trong lịch')
  has('the number fault counts the digits', text, 'anh/chị đã nhập 13 chữ số')
  same('the summary lists both faults', await page.locator('.govuk-error-summary li').count(), 2)
  for (const [field, wanted] of Object.entries(typed)) same(`${field} is still in the form`, await valueOf(page, field), wanted)
  same('the choice is still in the form', await valueOf(page, '#sex'), 'female')
  same('the refusal to answer is still in the form', await valueOf(page, '[name="language.state"]'), 'declined')
  await page.click('.govuk-error-summary a[href="#id_number"]')
  check('a line of the summary leads to its field', await focused(page, '#id_number'))
  same('the faulty field points to its fault', await page.getAttribute('#id_number', 'aria-describedby'), 'id_number-fault')
  await page.fill('#birth', '05/03/1999')
  await page.fill('#id_number', FULL_WIDTH)
  const saved = await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  same('the corrected form is saved', saved.status(), 200)
  const shown = await seen(page, 'case-identity')
  has('full-width digits are taken', shown, '999204000001')
  has('the date is shown as typed', shown, '05/03/1999')
  has('a declined answer is shown as such', shown, 'Từ chối trả lời')
  has('quotes and ampersand survive', shown, 'Bé "Na" & chị')
}

async function four () {
  const { page } = mine
  const context = page.context()
  allow(context, 409, GROUP)
  const other = await context.newPage()
  for (const tab of [page, other]) await tab.goto(`${mine.url}/groups/identity`)
  await page.fill('#nationality', 'Lào (đồng nghiệp ghi)')
  await other.fill('#nationality', 'Thái Lan (tôi ghi)')
  await other.fill('#language', 'tiếng Thái')
  await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  const refused = await go(other, () => other.click('main form .govuk-button:not([formaction])'))
  same('the second save meets a conflict', refused.status(), 409)
  const text = await seen(other, 'conflict')
  has('the conflict says what happened', text, 'Đồng nghiệp vừa lưu nhóm này')
  has('the conflict shows the text of the colleague', await other.innerText('.govuk-error-summary'), 'Lào (đồng nghiệp ghi)')
  same('the own text is kept', await valueOf(other, '#nationality'), 'Thái Lan (tôi ghi)')
  same('the other own text is kept', await valueOf(other, '#language'), 'tiếng Thái')
  check('the conflict has the focus', await focused(other, '.govuk-error-summary'))
  const saved = await go(other, () => other.click('main form .govuk-button:not([formaction])'))
  same('after comparing it can be saved', saved.status(), 200)
  has('the case shows the own text', await mainText(other), 'Thái Lan (tôi ghi)')

  // Only the reason for an empty answer differs.
  for (const tab of [page, other]) await tab.goto(`${mine.url}/groups/identity`)
  await page.selectOption('[name="document_kind.state"]', 'declined')
  await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  await go(other, () => other.click('main form .govuk-button:not([formaction])'))
  const silent = await seen(other, 'conflict-about-no-answer')
  has('a conflict about a declined answer is told', silent, 'Đồng nghiệp vừa lưu nhóm này')
  check('and names the field', (await other.locator('.govuk-error-summary').allInnerTexts()).join().includes('Loại giấy tờ'))

  // Both typed the same: nothing differs, yet the page must say why it did not save.
  for (const tab of [page, other]) {
    await tab.goto(`${mine.url}/groups/identity`)
    await tab.fill('#nationality', 'Thái Lan')
  }
  await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  const equal = await go(other, () => other.click('main form .govuk-button:not([formaction])'))
  check('a conflict without a difference is told or saved', equal.status() === 200 || (await mainText(other)).includes('Đồng nghiệp vừa lưu nhóm này'), `${equal.status()} and no word of why`)
  await other.close()
}

async function five () {
  const { page } = mine
  const context = page.context()
  allow(context, 422, OPENING)
  await page.goto(mine.url)
  await go(page, () => page.click('a[href$="/groups/safety"]'))
  await seen(page, 'safety-question')
  check('the question shows no field of the group', await page.locator('#safe_phone').count() === 0)
  const before = page.url()
  await page.click('main form .govuk-button:not([formaction])')
  await page.waitForTimeout(300)
  const silent = page.url() === before
  const told = silent ? '' : await mainText(page)
  check('refusing to open is said in the language of the page, not of the browser', !silent && told.includes('Hãy chọn mục đích'), 'the browser stopped the form with a bubble of its own (no novalidate)')
  for (const [purpose, confirmed] of [['', false], ['protection', false], ['', true]]) {
    await page.goto(`${mine.url}/groups/safety`)
    await page.evaluate(() => { document.querySelector('main form').noValidate = true })
    if (purpose) await page.selectOption('#purpose', purpose)
    if (confirmed) await page.check('#confirmed')
    const refused = await go(page, () => page.click('main form .govuk-button:not([formaction])'))
    same(`purpose ${purpose || 'none'}, ${confirmed ? '' : 'not '}confirmed: refused`, refused.status(), 422)
    check('the refusal shows no field', await page.locator('#safe_phone').count() === 0)
    if (purpose) {
      same('the chosen purpose is kept', await valueOf(page, '#purpose'), purpose)
      check('a purpose that was chosen is not called missing', await page.locator('#purpose-fault').count() === 0)
    }
  }
  await seen(page, 'safety-refused')
  check('the refusal has the focus', await focused(page, '.govuk-error-summary'))
  await page.selectOption('#purpose', 'protection')
  await page.check('#confirmed')
  const opened = await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  same('with purpose and confirmation it opens', opened.status(), 200)
  await seen(page, 'safety')
  await page.fill('#safe_phone', '０９０００００００１')
  await page.check('#contact_way-phone')
  const saved = await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  same('the group is saved', saved.status(), 200)
  lacks('the case page keeps it closed', await seen(page, 'case-full'), ['+84900000001', '0900000001', 'NL-17'])
  await go(page, () => page.click('section[aria-labelledby="g-safety"] :is(a, button)'))
  check('opening from the case asks again', await page.locator('#confirmed').count() === 1)
  check('the first question is no reproach', await page.locator('.govuk-error-summary').count() === 0, 'the first question comes with an error summary')
  await page.goto(`${mine.url}/groups/safety`)
  await page.selectOption('#purpose', 'safe_contact')
  await page.check('#confirmed')
  await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  has('what was saved is in the form', await valueOf(page, '#safe_phone'), '900000001')
  await page.goto(`${mine.url}/groups/shelter`)
  await page.selectOption('#purpose', 'protection')
  await page.check('#confirmed')
  await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  await page.fill('#present_stay', 'NL-17')
  await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  lacks('the case page keeps the place closed', await page.content(), 'NL-17')
}

async function six () {
  const { page } = mine
  const context = page.context()
  allow(context, 422, /^\/cases\/names$/)
  await page.goto('/cases')
  await page.evaluate(() => { document.querySelector('form[action="/cases/names"]').noValidate = true })
  const refused = await go(page, () => page.click('form[action="/cases/names"] button'))
  same('names without a purpose are refused', refused.status(), 422)
  await seen(page, 'reveal-refused')
  check('the refusal of names has the focus', await focused(page, '.govuk-error-summary, #purpose'), 'no error summary: the message stands below the whole list')
  lacks('the refusal shows no name', await page.content(), NAMES)
  await page.selectOption('#purpose', 'case_work')
  const shown = await go(page, () => page.click('form[action="/cases/names"] button'))
  same('names with a purpose are shown', shown.status(), 200)
  const text = await seen(page, 'names')
  has('the own person is named', text, NAME)
  has('the others are named', text, '(mẫu')
  has('the name stands beside its own case', await page.locator('tbody tr', { hasText: mine.number }).innerText(), NAME)
  mine.revealed = await page.locator('tbody tr').count()
  check('the page carries the number of its log entry', /\d/.test(shown.headers()['x-log-index'] ?? ''))
  await page.goto('/cases')
  lacks('the next list is without names again', await page.content(), NAMES)
}

async function seven (house) {
  const page = await signedIn(house, house.stranger)
  allow(page.context(), 404, /^\/cases\//)
  const foreign = await page.goto(mine.url)
  same('a case of another commune is not found', foreign.status(), 404)
  const text = await seen(page, 'not-found')
  has('the page says what to do', text, 'không được phân công')
  lacks('the page shows nothing of the case', await page.content(), [...NAMES, mine.number])
  const frame = await page.locator('header').innerText()
  await page.goto('/cases/00000000000000000000000000')
  same('a case that does not exist looks the same', await mainText(page), text.slice(text.indexOf('Không tìm thấy'), text.indexOf('Về trang đầu') + 'Về trang đầu'.length))
  check('the error page keeps the frame of the signed-in user', frame.includes(house.stranger.code), 'neither staff code nor navigation nor sign-out on the 404 page')
  for (const below of ['/groups/identity', '/groups/safety']) same(`${below} is not found either`, (await page.goto(mine.url + below)).status(), 404)
  await page.context().close()
}

async function eight (house) {
  const page = await signedIn(house, house.auditor)
  const context = page.context()
  allow(context, 422, /^\/log$/)
  same('the auditor lands on the log', new URL(page.url()).pathname, '/log')
  lacks('the log shows no name', await seen(page, 'log'), NAMES)
  await page.fill('#case', mine.number)
  await go(page, () => page.click('form[action="/log"][method="get"] button'))
  let found = await seen(page, 'log-case')
  const rows = await page.locator('table').first().locator('tbody tr').allInnerTexts()
  check('the case number finds lines', rows.length > 5, rows.length)
  check('every line is about this case', rows.every((row) => row.includes(mine.number) || row.includes('hồ sơ khác')), rows.find((row) => !row.includes(mine.number)))
  const [newest] = await page.locator('tbody time').evaluateAll((times) => times.map((time) => Date.parse(time.dateTime)))
  check('the newest line is of now', Math.abs(newest - Date.now()) < 120_000, `${new Date(newest).toISOString()} at ${new Date().toISOString()}: demo fill writes entries of the future and the log never goes back`)
  for (let older = page.locator('nav a[href*="before="]'); await older.count() > 0;) {
    await go(page, () => older.click())
    same('older lines keep the filter', await valueOf(page, '#case'), mine.number)
    rows.push(...await page.locator('table').first().locator('tbody tr').allInnerTexts())
  }
  found = rows.join('\n')
  for (const part of [house.worker.code, 'Mở hồ sơ mới', 'Xem hồ sơ', 'Lưu nhóm dữ liệu', 'Hiện tên trong danh sách', 'Nhân thân', 'Liên lạc an toàn']) has(`the lines say ${part}`, found, part)
  check('the opening of the safety group names its purpose', rows.some((row) => row.includes('Liên lạc an toàn') && row.includes('Bảo vệ')), rows.filter((row) => row.includes('an toàn')).join('\n'))
  lacks('the lines show no name', found, NAMES)
  await page.check('#refused')
  await go(page, () => page.click('form[action="/log"][method="get"] button'))
  const refusals = await page.locator('table').first().locator('tbody tr').allInnerTexts()
  await seen(page, 'log-refused')
  check('the filter shows refusals only', refusals.length > 0 && refusals.every((row) => row.includes('Từ chối')), refusals.join('\n'))
  check('the worker of the other commune is among them', refusals.some((row) => row.includes(house.stranger.code)), refusals.join('\n'))
  same('the filter keeps the case number', await valueOf(page, '#case'), mine.number)
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('form[action="/log/export"] button')])
  const narrow = fs.readFileSync(await download.path(), 'utf8')
  check('the export keeps the filter', narrow.trim().split('\r\n').slice(1).every((line) => line.includes(mine.number) && line.includes('deny')), narrow.slice(0, 400))
  await page.goto('/log')
  const [whole] = await Promise.all([page.waitForEvent('download'), page.click('form[action="/log/export"] button')])
  const csv = fs.readFileSync(await whole.path(), 'utf8')
  check('the export is a CSV', csv.startsWith('\ufeffindex,time,kind') && csv.split('\r\n').length > 50, csv.slice(0, 200))
  const reveal = csv.split('\r\n').filter((line) => line.includes(',list.reveal,')).at(-1) ?? ''
  same('the export names every case whose name was shown', reveal.match(/DH-\d{4}-/g)?.length, mine.revealed)
  lacks('the export holds no name', csv, NAMES)
  lacks('the export holds no secret of the safety group', csv, ['900000001', 'NL-17'])
  await page.goto('/log')
  await go(page, () => page.click('form[action="/log/verification"] button'))
  has('verifying says that the log is whole', await seen(page, 'verified'), 'Nhật ký nguyên vẹn')
  await page.goto('/log?case=DH-2026-XXXXXX-9&from=31%2F02%2F2026')
  await seen(page, 'log-faults')
  check('a wrong filter has the focus on its summary', await focused(page, '.govuk-error-summary'))
  same('the wrong case number is still in the form', await valueOf(page, '#case'), 'DH-2026-XXXXXX-9')
  same('the wrong day is still in the form', await valueOf(page, '#from'), '31/02/2026')
  allow(context, 422, /^\/log\/export$/)
  const [answer] = await Promise.all([page.waitForResponse((one) => one.url().endsWith('/log/export')), page.click('form[action="/log/export"] button')])
  check('exporting with a wrong filter says what is wrong', answer.status() === 422, `${answer.status()}`)
  await page.goto('/log')
  const offered = await page.locator('#kind option').allInnerTexts()
  check('refused acts can be chosen as a kind', offered.includes('Thao tác bị từ chối'), offered.join(', '))
  mine.auditor = page
}

async function nine (house) {
  const { page } = mine
  const context = page.context()
  allow(context, 401, GROUP)
  await page.goto(`${mine.url}/groups/notes`)
  const note = 'Đang gõ dở thì hết phiên.\nDòng hai: <i>giữ nguyên</i> & "ngoặc"'
  await page.fill('#text', note)
  await context.clearCookies({ name: 'dh' })
  const lost = await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  same('a form without a session leads to the sign-in page', lost.status(), 401)
  has('the page says that nothing is lost', await seen(page, 'session-lost'), 'Nội dung anh/chị vừa gửi vẫn còn')
  await signIn(page, house.worker, { password: 'vẫn sai mật khẩu' })
  has('a wrong password on the way is refused', await mainText(page), 'chưa đúng')
  has('and what was typed is still said to be there', await mainText(page), 'vẫn còn')
  await signIn(page, house.worker)
  has('after signing in the form waits', await seen(page, 'resume'), 'Đã đăng nhập lại')
  const saved = await go(page, () => page.click('main form .govuk-button:not([formaction])'))
  same('the form can be sent on', saved.status(), 200)
  has('the case shows what was typed', (await mainText(page)).replace(/\s+/g, ' '), note.replace(/\s+/g, ' '))
}

async function ten () {
  const { page } = mine
  await page.goto(mine.url)
  await go(page, () => page.click('a[href^="/language/en"]'))
  same('the switch stays on the page', new URL(page.url()).pathname, mine.url)
  same('the page says that it is English', await page.getAttribute('html', 'lang'), 'en')
  const text = await seen(page, 'case-english')
  lacks('no Vietnamese wording is left', text.replaceAll('Tiếng Việt', ''), ['Hồ sơ', 'Nhân thân', 'Chưa hỏi', 'Thời hạn', 'Đăng xuất', 'Thoát nhanh'])
  has('the person keeps her name', text, NAME)
  for (const [address, name] of [['/cases', 'cases-english'], ['/intakes/new', 'intake-english'], [`${mine.url}/groups/identity`, 'identity-english']]) {
    await page.goto(address)
    await seen(page, name)
  }
  await go(mine.auditor, () => mine.auditor.click('a[href^="/language/en"]'))
  await seen(mine.auditor, 'log-english')
  await go(page, () => page.click('a[href^="/language/vi"]'))
  same('and back', await page.getAttribute('html', 'lang'), 'vi')

  // The address of a page that answers a form has no page of its own to come back to.
  allow(page.context(), 404, /^\/cases\/names$/)
  await page.goto('/cases')
  await page.selectOption('#purpose', 'case_work')
  await go(page, () => page.click('form[action="/cases/names"] button'))
  const switched = await go(page, () => page.click('a[href^="/language/en"]'))
  same('the switch works on the list with names', switched.status(), 200)
  await page.goto('/language/vi')
  allow(mine.auditor.context(), 404, /^\/log\/verification$/)
  await go(mine.auditor, () => mine.auditor.click('form[action="/log/verification"] button'))
  const verified = await go(mine.auditor, () => mine.auditor.click('a[href^="/language/vi"]'))
  same('the switch works on the outcome of verifying', verified.status(), 200)
  await mine.auditor.goto('/log')
}

async function eleven (house, away) {
  const { page } = mine
  const context = page.context()
  await page.goto(mine.url)
  const [session] = (await context.cookies()).filter((cookie) => cookie.name === 'dh')
  await go(page, () => page.click('a.dh-exit'))
  same('quick exit leaves the house', page.url(), away.url)
  same('and takes the session cookie along', (await context.cookies()).filter((cookie) => cookie.name === 'dh').length, 0)
  await page.goBack({ waitUntil: 'load' }).catch(() => null)
  lacks('going back shows nothing', await page.content(), [...NAMES, mine.number])
  await context.addCookies([session])
  await page.goto('/cases')
  same('the session is gone in the house too', new URL(page.url()).pathname, '/sign-in')
  check('the page outside does not learn where the visitor came from', away.visits > 0 && away.referers.length === 0, JSON.stringify(away.referers))
  await context.close()

  const auditor = mine.auditor
  await go(auditor, () => auditor.click('form[action="/sign-out"] button'))
  same('signing out leads to the sign-in page', new URL(auditor.url()).pathname, '/sign-in')
  await auditor.goto('/log')
  same('after signing out the log is closed', new URL(auditor.url()).pathname, '/sign-in')
  await auditor.context().close()
}

/** Tab, Enter and Space only; what is typed comes from the keyboard too. */
async function keyboard (house) {
  const context = await visitor(house)
  const page = await context.newPage()
  await page.goto('/sign-in')
  const to = tabTo(page)
  await page.keyboard.press('Tab')
  check('the first stop is the skip link', await focused(page, '.govuk-skip-link'))
  await seen(page, 'keyboard-skip-link')
  await page.keyboard.press('Enter')
  check('the skip link leads to the content', await focused(page, '#main'))
  await to('#code')
  await page.keyboard.type(house.colleague.code)
  await to('#password')
  await page.keyboard.type(house.colleague.password)
  await to('#second')
  await page.keyboard.type(house.second(house.colleague))
  await to('main form button')
  await go(page, () => page.keyboard.press('Enter'))
  same('the keyboard signs in', new URL(page.url()).pathname, '/cases')
  await to('nav a[href="/intakes/new"]')
  await go(page, () => page.keyboard.press('Enter'))
  await to('#alias')
  await page.keyboard.type('Phím Mẫu')
  await to('#urgent_needs-medical')
  await page.keyboard.press('Space')
  await to('main form[data-autosave] button:not([formaction])')
  const saved = await go(page, () => page.keyboard.press('Space'))
  same('the keyboard opens a case', saved.status(), 200)
  const text = await mainText(page)
  has('with the alias', text, 'Phím Mẫu')
  has('and the need', text, 'Y tế')
  await context.close()
}

async function narrow (house) {
  const context = await visitor(house, { viewport: NARROW, hasTouch: true, deviceScaleFactor: 2 })
  const page = await context.newPage()
  for (const status of [404, 422]) allow(context, status, /./)
  await page.goto('/sign-in')
  await seen(page, 'narrow-sign-in')
  await signIn(page, house.worker)
  await seen(page, 'narrow-cases')
  await page.goto('/intakes/new')
  await seen(page, 'narrow-intake')
  await page.fill('#brought_by', 'Dài '.repeat(100))
  await page.fill('#place', 'x'.repeat(301))
  await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  await seen(page, 'narrow-intake-faults')
  await page.fill('#brought_by', 'Ngắn')
  await page.fill('#alias', 'Nguyễn'.repeat(16))
  await page.fill('#place', 'Không'.repeat(60))
  await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  await seen(page, 'narrow-case')
  const url = new URL(page.url()).pathname
  for (const group of ['identity', 'contact', 'origin', 'trafficking', 'risk', 'needs', 'notes', 'safety']) {
    await page.goto(`${url}/groups/${group}`)
    await seen(page, `narrow-${group}`)
  }
  await page.goto('/cases')
  await page.selectOption('#purpose', 'case_work')
  await go(page, () => page.click('form[action="/cases/names"] button'))
  await seen(page, 'narrow-names')
  await page.goto('/cases/khong-co')
  await seen(page, 'narrow-not-found')
  await context.close()
  const auditor = await signedIn(house, house.auditor, { viewport: NARROW, hasTouch: true, deviceScaleFactor: 2 })
  await seen(auditor, 'narrow-log')
  await go(auditor, () => auditor.click('form[action="/log/verification"] button'))
  await seen(auditor, 'narrow-verified')
  await auditor.context().close()
}

async function withoutScripts (house) {
  const context = await visitor(house, { javaScriptEnabled: false })
  const page = await context.newPage()
  allow(context, 422, /^\/intakes$/)
  await page.goto('/sign-in')
  await signIn(page, house.stranger)
  same('without scripts the sign-in works', new URL(page.url()).pathname, '/cases')
  await page.goto('/intakes/new')
  await page.fill('#alias', 'Không kịch bản')
  await page.fill('#place', 'x'.repeat(301))
  await go(page, () => page.click('button[formaction="/intakes/draft"]'))
  has('without scripts a draft is kept', await mainText(page), 'Đã lưu nháp')
  const refused = await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  same('without scripts faults are told', refused.status(), 422)
  same('and what was typed stays', await valueOf(page, '#alias'), 'Không kịch bản')
  await page.fill('#place', 'Trụ sở xã')
  const saved = await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  same('without scripts the case is opened', saved.status(), 200)
  has('with the alias', await mainText(page), 'Không kịch bản')
  await go(page, () => page.click('a.dh-exit'))
  await page.goto(`${house.url}/cases`)
  same('without scripts quick exit ends the session', new URL(page.url()).pathname, '/sign-in')
  await context.close()
}

/** Pages that the walk does not come to by itself. */
async function rare (house) {
  const page = await signedIn(house, house.worker)
  const context = page.context()
  for (const status of [404, 409, 413, 415]) allow(context, status, /./)
  await page.goto('/intakes/new')
  await page.fill('#alias', 'Mai Mẫu')
  const request = await page.locator('main input[name="draft"]').first().inputValue()
  await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  await page.goto(`/requests/${request}`)
  has('the outcome of a form can be asked for', await seen(page, 'outcome'), 'Mở hồ sơ')
  const fresh = await page.locator('main a[href^="/cases/"]').first().getAttribute('href')
  await page.goto(`${fresh}/groups/identity`)
  await page.fill('#alias', 'Mai Mẫu sửa')
  await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  await page.goto(`${fresh}/groups/identity`)
  await go(page, () => page.click('main a[href$="/versions"]'))
  await seen(page, 'versions')
  await go(page, () => page.click('button[name="open"][value="1"]'))
  has('an earlier version can be opened', await seen(page, 'version'), 'Mai Mẫu')
  await page.goto(`${fresh}/groups/safety/versions`)
  await seen(page, 'versions-none')
  await page.goto('/requests/00000000000000000000000000')
  await seen(page, 'outcome-none')
  await page.goto('/intakes/new')
  await page.evaluate(() => { document.querySelector('#alias').value = 'x'.repeat(3 << 20) })
  const large = await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  same('a form over the limit is told so', large.status(), 413)
  await seen(page, 'too-large')
  await context.close()
  const outside = await visitor(house)
  const stranger = await outside.newPage()
  allow(outside, 422, /^\/sign-in$/)
  allow(outside, 429, /^\/sign-in$/)
  await stranger.goto('/sign-in')
  let status = 0
  for (let tries = 0; tries < 40 && status !== 429; tries += 1) {
    await stranger.fill('#code', house.stranger.code)
    await stranger.fill('#password', 'sai mật khẩu')
    await stranger.fill('#second', '000000')
    status = (await go(stranger, () => stranger.click('main button'))).status()
  }
  same('whoever tries too often is told to wait', status, 429)
  has('and how long', await seen(stranger, 'throttled'), 'đợi')
  await outside.close()
}

async function overTls (house) {
  const context = await visitor(house)
  const page = await context.newPage()
  const first = await page.goto('/sign-in')
  check('the address is https', page.url().startsWith('https:'))
  check('the browser is told to stay with TLS', /max-age=\d{7,}/.test(first.headers()['strict-transport-security'] ?? ''))
  lacks('no bar about a plain connection', await seen(page, 'tls-sign-in'), 'không mã hóa')
  await signIn(page, house.worker)
  const cookies = await context.cookies()
  const session = cookies.find((cookie) => cookie.name === '__Host-dh')
  check('the cookie is __Host-dh, Secure, HttpOnly, Strict, for / and the session', session?.secure && session.httpOnly && session.sameSite === 'Strict' && session.path === '/' && session.expires === -1, JSON.stringify(cookies))
  check('every cookie is Secure', cookies.every((cookie) => cookie.secure), JSON.stringify(cookies.filter((cookie) => !cookie.secure)))
  await page.goto('/intakes/new')
  await page.fill('#alias', NAME)
  const saved = await go(page, () => page.click('main form[data-autosave] button:not([formaction])'))
  same('a case is opened over TLS', saved.status(), 200)
  await page.click('a[href^="/language/en"]')
  check('the language cookie is Secure over TLS', (await context.cookies()).every((cookie) => cookie.secure), JSON.stringify((await context.cookies()).filter((cookie) => !cookie.secure)))
  // The default leads to a page outside; nothing is fetched from there.
  await page.route((url) => url.hostname !== '127.0.0.1', (route) => route.abort())
  const [leaving] = await Promise.all([page.waitForResponse((answer) => new URL(answer.url()).pathname === '/exit'), page.click('a.dh-exit')])
  check('quick exit leads away', !leaving.headers().location.startsWith('/'), leaving.headers().location)
  await page.waitForTimeout(300)
  same('and takes the cookie along', (await context.cookies(house.url)).filter((cookie) => cookie.name === '__Host-dh').length, 0)
  await context.close()
}

/** The eight steps of the main job. */
async function steps (house) {
  await part('1 signing in and the list', () => one(house))
  await part('2 intake with a draft', two)
  await part('3 faults in a form', three)
  await part('4 two tabs', four)
  await part('5 safety of life', five)
  await part('6 names in the list', six)
  await part('6a identification, rescue, protection, support', () => support(house, mine))
  await part('6b the deciding body', () => conclusion(house, mine))
  await part('6c consent, referral, the centre', () => centre(house, mine))
  await part('6c files', () => attachments(house, mine))
  await part('6c files, 390 pixels, no scripts', () => attachmentsNarrow(house, mine))
  await part('6d visits, closing, reopening', () => ending(house, mine))
  await part('6e acts that take two persons', () => orders(house, mine))
  await part('7 another commune', () => seven(house))
  await part('8 the auditor', () => eight(house))
}

// ---- All of it -----------------------------------------------------------------------------------------------------

const start = Date.now()
if (SHOTS) fs.mkdirSync(SHOTS, { recursive: true })
fs.copyFileSync(BINARY, PROGRAM)
fs.chmodSync(PROGRAM, 0o755)
/** An everyday page that quick exit leads to. */
const away = { visits: 0, referers: [], server: http.createServer((request, response) => { away.visits += 1; if (request.headers.referer) away.referers.push(request.headers.referer); response.setHeader('content-type', 'text/html; charset=utf-8'); response.end('<!DOCTYPE html><link rel="icon" href="data:,"><title>Thời tiết</title>Hôm nay nắng') }) }
await new Promise((resolve) => away.server.listen(0, '127.0.0.1', resolve))
away.url = `http://127.0.0.1:${away.server.address().port}/thoi-tiet`
const houses = []
try {
  const house = await House.open('plain', `quick_exit = "${away.url}"\n`)
  houses.push(house)
  const browser = state.browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: SWITCHES })
  let closing = false
  browser.on('disconnected', () => { if (!closing) console.log('      the browser was ended from outside or crashed; what follows says nothing about the house') })
  browser.end = () => { closing = true; return browser.close() }
  await steps(house)
  await part('9 a lost session', () => nine(house))
  await part('10 English', ten)
  await part('11 quick exit and signing out', () => eleven(house, away))
  await part('keyboard alone', () => keyboard(house))
  await part('keyboard alone: the centre', () => keyboardOfCentre(house))
  await part('keyboard alone: the auditor', () => keyboardOfAuditor(house, mine))
  await part('390 pixels', () => narrow(house))
  await part('390 pixels: the work', () => narrowWork(house))
  await part('no scripts', () => withoutScripts(house))
  await part('TLS', async () => {
    const [certificate, key] = ['server.crt', 'server.pem'].map((name) => path.join(FOLDER, name))
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate])
    if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`)
    const tls = await House.open('tls', `tls_certificate = "${certificate}"\ntls_key = "${key}"\n`)
    houses.push(tls)
    await overTls(tls)
    state.again = 'TLS '
    await steps(tls)
    await mine.page.context().close()
    await mine.auditor.context().close()
    state.again = ''
  })
  await part('a sealed house', async () => { houses.push(await sealed()) })
  await part('what is rarely seen', () => rare(house))
  await part('axe', async () => console.log(`         ${await judge(house)} of ${toJudge.size} pages clean`))
  const told = ['sign-in', 'cases', 'intake', 'case-new', 'identity', 'log'].map((name) => titles.get(name))
  check('every page has a title of its own', new Set(told).size === told.length, told.join(' | '))
} catch (error) {
  check('the walk goes on', false, error.stack)
} finally {
  await state.browser?.end?.()
  for (const house of houses) {
    same(`the server of ${path.basename(house.data)} ends in order`, await house.close(), 0)
    const trouble = house.said.split('\n').filter((line) => /ERROR|panicked/.test(line))
    check('the server had no fault of its own', trouble.length === 0, trouble.join('\n'))
  }
  away.server.close()
  fs.rmSync(FOLDER, { recursive: true, force: true })
}
console.log(`${((Date.now() - start) / 1000).toFixed(0)} s in all`)
console.log(`${tally.passed} passed, ${tally.failed.length} failed`)
process.exitCode = tally.failed.length === 0 ? 0 : 1
