// The work after the intake, as the worker, her supervisor, the liaison and the legal-aid officer see it.
import { allow, check, focused, go, has, lacks, mainText, NARROW, same, seen, signedIn, signIn, tabTo, visitor } from './lib.mjs'

/** Records a step: the form of its kind, filled by `fill`; class S4 asks for purpose and confirmation first. */
async function record (page, url, kind, fill, name) {
  await page.goto(`${url}/steps/${kind}/new`)
  if (await page.locator('#confirmed').count() > 0) {
    await page.selectOption('#purpose', 'protection')
    await page.check('#confirmed')
    await go(page, () => page.click('main form .govuk-button'))
  }
  await fill()
  if (name) await seen(page, name)
  const saved = await go(page, () => page.click('main form .govuk-button'))
  same(`${kind} is recorded`, saved.status(), 200)
}

/** Presses a button of a step on the page of the case. */
async function press (page, url, kind, verb) {
  await page.goto(url)
  const form = page.locator(`form[action*="/steps/${kind}/"]`, { has: page.locator(`input[name="verb"][value="${verb}"]`) })
  return go(page, () => form.first().locator('button').click())
}

/** The newest of the referrals that wait: they stand by how long they wait, without a number. */
const newest = (page) => page.locator('ul.dh-cards').first().locator('.dh-card__title a').last()

export async function support (house, mine) {
  const { page, url } = mine
  const context = page.context()
  allow(context, 409, /\/state$/)
  await record(page, url, 'companion', async () => {
    await page.fill('#companion_alias', 'Bé Na (mẫu)')
    await page.selectOption('#companion_relation', 'child')
    await page.selectOption('#wishes_together', 'yes')
  }, 'companion')
  await record(page, url, 'rescue', async () => {
    await page.selectOption('#lead_force', 'border_guard')
    await page.fill('#rescue_place', 'Cửa khẩu Mẫu')
    await page.check('#help_on_spot-food')
    await page.fill('#handed_to', 'Sở Y tế tỉnh Mẫu')
  }, 'rescue')
  await record(page, url, 'protection', async () => {
    await page.check('#measures-temporary_shelter')
    await page.fill('#shelter_code', 'HOA-SEN-07')
  }, 'protection')
  lacks('the shelter stays closed on the page of the case', await page.content(), 'HOA-SEN-07')
  // Support before anybody has concluded anything.
  await record(page, url, 'support', async () => {
    await page.selectOption('#regime', 'medical')
    await page.fill('#provider', 'Trạm y tế xã Mẫu')
  }, 'support')
  await record(page, url, 'identification', async () => {
    await page.selectOption('#conclusion', 'victim')
    await page.check('#grounds-rescuing_body')
    await page.selectOption('#deciding_body', 'provincial_police')
    await page.selectOption('#status_document', 'police_confirmation')
    await page.fill('#status_document_number', 'MAU-2026-01')
  }, 'identification')
  const text = await seen(page, 'case-stages')
  for (const part of ['Bé Na (mẫu)', 'Cửa khẩu Mẫu', 'Trạm y tế xã Mẫu', 'Là nạn nhân', 'Chờ phê duyệt', 'Đang áp dụng']) has(`the case shows ${part}`, text, part)
  check('the worker is offered no approval', await page.locator('input[name="verb"][value="approve"]').count() === 0)

  const supervisor = await signedIn(house, house.supervisor)
  has('the supervisor sees in her list what waits', await seen(supervisor, 'supervisor-cases'), 'Chờ phê duyệt')
  await supervisor.goto(url)
  await seen(supervisor, 'supervisor-case')
  for (const kind of ['identification', 'support']) same(`${kind} is approved`, (await press(supervisor, url, kind, 'approve')).status(), 200)
  await press(page, url, 'support', 'deliver')
  has('the support is delivered', await mainText(page), 'Đã hỗ trợ')
  mine.supervisor = supervisor
}

export async function conclusion (house, mine) {
  const { page, url } = mine
  await page.goto(`${url}/referrals/identification`)
  await page.selectOption('#to', 'CA-MAU')
  await page.selectOption('#basis', 'crime_prevention')
  await page.check('#groups-trafficking')
  await page.check('#groups-identity')
  await seen(page, 'request-to-police')
  same('the request is sent', (await go(page, () => page.click('main form .govuk-button'))).status(), 200)
  const liaison = await signedIn(house, house.liaison)
  allow(liaison.context(), 404, /^\/cases/)
  same('the liaison lands on her requests', new URL(liaison.url()).pathname, '/referrals')
  lacks('and sees no name', await seen(liaison, 'liaison-inbox'), ['Nguyệt', '(mẫu'])
  same('there is no list of people for her', (await liaison.goto('/cases')).status(), 404)
  await liaison.goto('/referrals')
  await go(liaison, () => newest(liaison).click())
  await seen(liaison, 'liaison-request')
  await go(liaison, () => liaison.click('main form .govuk-button:not(.govuk-button--warning)'))
  const opened = await seen(liaison, 'liaison-case')
  has('after taking it up she sees the listed group', opened, 'Nguyệt')
  lacks('and no other', opened, ['Trạm y tế xã Mẫu', 'Cửa khẩu Mẫu', 'Nhu cầu cấp bách'])
  await go(liaison, () => liaison.click('main a[href$="/steps/identification/new"]'))
  await liaison.selectOption('#conclusion', 'victim')
  await liaison.fill('#status_document_number', 'CA-2026-07')
  await go(liaison, () => liaison.click('main form .govuk-button'))
  same('with the answer she is back at her list', new URL(liaison.url()).pathname, '/referrals')
  same('and the case is shut', (await liaison.goto(url)).status(), 404)
  await liaison.context().close()
  await page.goto(url)
  has('the worker reads the conclusion', await mainText(page), 'CA-2026-07')
}

export async function centre (house, mine) {
  const { page, url } = mine
  const context = page.context()
  allow(context, 422, /\/(consents|referrals\/legal_aid)$/)
  allow(context, 404, /\/advice$/)
  await page.goto(`${url}/groups/legal_aid`)
  await page.check('#law_field-compensation')
  await page.fill('#legal_question', 'Muốn được bồi thường tiền công (mẫu)')
  await go(page, () => page.click('main form .govuk-button'))
  await page.goto(`${url}/referrals/legal_aid`)
  has('without a consent the page says what is needed', await seen(page, 'referral-without-consent'), 'Cần có sự đồng ý')
  await go(page, () => page.click('main .govuk-inset-text a'))
  await go(page, () => page.click('main form .govuk-button'))
  await seen(page, 'consent-faults')
  check('the summary of what is missing has the focus', await focused(page, '.govuk-error-summary'))
  await page.selectOption('#purpose', 'legal_aid')
  await page.check('#groups-identity')
  await page.check('#groups-legal_aid')
  await page.check('#agreed-yes')
  await page.selectOption('#form', 'signed')
  await page.selectOption('#agreed_by', 'self')
  await seen(page, 'consent')
  same('the consent is recorded', (await go(page, () => page.click('main form .govuk-button'))).status(), 200)
  await page.goto(`${url}/referrals/legal_aid`)
  check('the consent and its groups are chosen already', await page.isChecked('#groups-identity') && await page.locator('input[name="consent"]').isChecked())
  await page.selectOption('#category', 'proceedings')
  await seen(page, 'referral')
  same('the referral is sent', (await go(page, () => page.click('main form .govuk-button'))).status(), 200)
  has('the case says that it waits', await mainText(page), 'Chờ trả lời')

  const officer = await signedIn(house, house.officer)
  allow(officer.context(), 404, /^\/cases/)
  allow(officer.context(), 409, /\/closing$/)
  same('the officer lands on New', new URL(officer.url()).pathname, '/referrals')
  const inbox = await seen(officer, 'centre-inbox')
  has('with the category', inbox, 'Tham gia tố tụng')
  lacks('and neither name nor number', await officer.content(), ['Nguyệt', 'bồi thường tiền công', mine.number])
  same('before acceptance the case is shut', (await officer.goto(url)).status(), 404)
  await officer.goto('/referrals')
  await go(officer, () => newest(officer).click())
  const waiting = await seen(officer, 'centre-referral')
  has('she sees the clock and its source', waiting, 'Luật Trợ giúp pháp lý 2017')
  lacks('and nothing about the person', waiting, ['Nguyệt', 'tiền công'])
  await go(officer, () => officer.click('main form .govuk-button:not(.govuk-button--warning)'))
  const opened = await seen(officer, 'centre-case')
  has('after acceptance the listed groups open', opened, 'Nguyệt')
  has('with the question', opened, 'bồi thường tiền công')
  lacks('and nothing else', opened, ['Trạm y tế xã Mẫu', 'Cửa khẩu Mẫu', 'Bé Na', 'Dòng một', 'Nguy hiểm hiện nay'])
  const early = await go(officer, () => officer.click('form[action$="/closing"] button'))
  same('ending before there is a result is refused', early.status(), 409)
  has('and the page says why', await seen(officer, 'centre-refused'), 'Hãy ghi việc cử người và kết quả')
  await go(officer, () => officer.click('main a[href^="/referrals"]'))
  await officer.goto(url)
  await go(officer, () => officer.click('main a[href$="/matter"]'))
  await officer.selectOption('#provider_kind', 'legal_aid_officer')
  await officer.fill('#provider_name', 'Trợ giúp viên Mẫu')
  await officer.fill('#assigned_on', '20/11/2026')
  await officer.selectOption('#outcome', 'completed')
  await officer.fill('#report', 'Đã nộp đơn yêu cầu bồi thường (mẫu)')
  await seen(officer, 'centre-matter')
  await go(officer, () => officer.click('main form .govuk-button'))
  await go(officer, () => officer.click('main a[href$="/advice"]'))
  await officer.fill('#advice', 'Lời khuyên kín của Trung tâm')
  await go(officer, () => officer.click('main form .govuk-button'))
  await seen(officer, 'centre-done')
  await page.goto(url)
  const read = await seen(page, 'case-with-report')
  has('the worker reads the report', read, 'Đã nộp đơn yêu cầu bồi thường')
  lacks('and never the advice', read, 'Lời khuyên kín')
  await officer.goto(url)
  await go(officer, () => officer.click('form[action$="/closing"] button'))
  same('the officer is back at her list', new URL(officer.url()).pathname, '/referrals')
  same('and her access has ended', (await officer.goto(url)).status(), 404)
  await officer.goto('/referrals?past=1')
  has('what ended is still in her books', await seen(officer, 'centre-past'), mine.number)
  await officer.context().close()
}

export async function ending (house, mine) {
  const { page, url, supervisor } = mine
  const context = page.context()
  allow(context, 409, /\/(closure|reopening|notes|groups\/notes|new)$/)
  allow(context, 422, /\/new$/)
  await page.goto(url)
  await go(page, () => page.click('form[action$="/visits"] button'))
  same('four visits are planned', await page.locator('.dh-item', { hasText: 'Theo kế hoạch' }).count(), 4)
  await go(page, () => page.locator('a[href*="/steps/visit/"]:not([href$="/new"])').first().click())
  await page.selectOption('#visit_form', 'telephone')
  await page.selectOption('#safe_now', 'safe')
  await go(page, () => page.click('main form .govuk-button'))
  has('the first visit is recorded', await mainText(page), 'Không thấy nguy hiểm')
  await page.goto(`${url}/steps/closure/new`)
  await page.fill('#closing_account', 'Đã ổn định (mẫu)')
  const without = await go(page, () => page.click('main form .govuk-button'))
  same('a closure needs a reason', without.status(), 422)
  await page.selectOption('#closing_reason', 'settled')
  const blocked = await go(page, () => page.click('main form .govuk-button'))
  same('a measure in force stands in the way', blocked.status(), 409)
  has('and the page says so', await seen(page, 'closure-blocked'), 'Còn biện pháp bảo vệ')
  await press(page, url, 'protection', 'end')
  await record(page, url, 'closure', () => page.selectOption('#closing_reason', 'settled'), 'closure')
  await press(supervisor, url, 'closure', 'approve')
  await page.goto(url)
  has('the case is closed', await seen(page, 'case-closed'), 'Hồ sơ đã đóng')
  await record(page, url, 'reopening', () => page.selectOption('#reopening_reason', 'new_danger'), 'reopening')
  lacks('the case is open again', await mainText(page), 'Hồ sơ đã đóng. Muốn')
  await page.goto('/cases')
  await seen(page, 'cases-after-work')
  await supervisor.context().close()
}

export async function keyboardOfCentre (house) {
  const context = await visitor(house)
  const page = await context.newPage()
  await page.goto('/sign-in')
  const to = tabTo(page)
  for (const [field, text] of [['#code', house.officer.code], ['#password', house.officer.password], ['#second', house.second(house.officer)]]) {
    await to(field)
    await page.keyboard.type(text)
  }
  await to('main form button')
  await go(page, () => page.keyboard.press('Enter'))
  same('the keyboard leads to New', new URL(page.url()).pathname, '/referrals')
  await to('main a[href^="/referrals/"]')
  await go(page, () => page.keyboard.press('Enter'))
  await to('main form button')
  await go(page, () => page.keyboard.press('Enter'))
  check('the keyboard accepts a referral', /^\/cases\//.test(new URL(page.url()).pathname), page.url())
  await to('main a[href$="/matter"]')
  await go(page, () => page.keyboard.press('Enter'))
  await to('#provider_name')
  await page.keyboard.type('Phím Mẫu')
  await to('main form .govuk-button')
  const saved = await go(page, () => page.keyboard.press('Space'))
  same('and records the result', saved.status(), 200)
  has('which is on the page', await mainText(page), 'Phím Mẫu')
  await context.close()
}

export async function keyboardOfAuditor (house, mine) {
  const context = await visitor(house)
  const page = await context.newPage()
  await page.goto('/sign-in')
  await signIn(page, house.auditor)
  const to = tabTo(page)
  await to('#case')
  await page.keyboard.type(mine.number)
  await page.keyboard.press('Enter')
  await page.waitForURL(/case=DH/)
  has('the keyboard finds the case', await mainText(page), mine.number)
  for (const part of ['Kết luận', 'chuyển tuyến', 'Phê duyệt']) has(`the log tells of ${part}`, (await mainText(page)).toLowerCase(), part.toLowerCase())
  await to('form[action="/log/verification"] button')
  await go(page, () => page.keyboard.press('Enter'))
  has('and verifies the log', await mainText(page), 'Nhật ký nguyên vẹn')
  await context.close()
}

export async function narrowWork (house) {
  const options = { viewport: NARROW, hasTouch: true, deviceScaleFactor: 2 }
  const page = await signedIn(house, house.colleague, options)
  const cases = await page.locator('a[href^="/cases/"]').evaluateAll((links) => [...new Set(links.map((link) => link.getAttribute('href')))])
  let fullest = { parts: 0 }
  for (const url of cases) {
    await page.goto(url)
    const parts = await page.locator('.dh-item').count()
    if (parts > fullest.parts) fullest = { parts, url }
  }
  check('a case with many steps is there', fullest.parts > 3, fullest.parts)
  await page.goto(fullest.url)
  await seen(page, 'narrow-stages')
  for (const path of ['consents/new', 'referrals/legal_aid', 'referrals/identification', 'steps/identification/new', 'steps/protection/new', 'steps/visit/new']) {
    await page.goto(`${fullest.url}/${path}`)
    await seen(page, `narrow-${path.replaceAll('/', '-')}`)
  }
  await page.context().close()
  const officer = await signedIn(house, house.officer, options)
  await seen(officer, 'narrow-inbox')
  await officer.context().close()
}
