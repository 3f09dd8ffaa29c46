// A sealed house, and custodians who open it from their own browsers.
import fs from 'node:fs'
import path from 'node:path'
import { FOLDER, House, NARROW, allow, check, go, has, lacks, mainText, same, seen, tabTo, visitor } from './lib.mjs'

/** The seven rows of a share, as they stand on its sheet. */
function share (sheets, number) {
  const sheet = fs.readFileSync(path.join(sheets, `manh-khoa-${number}.html`), 'utf8')
  return [...sheet.matchAll(/<li>([^<]+)<\/li>/g)].map((row) => row[1])
}

async function custodian (house, options) {
  const context = await visitor(house, options)
  allow(context, 503, /./)
  allow(context, 422, /^\/unsealing$/)
  return context.newPage()
}

export async function sealed () {
  const house = await House.open('sealed', '')
  const sheets = path.join(FOLDER, 'sheets')
  house.run('keys', 'slot', 'add', 'custodians', '--threshold', '2', '--of', '3', '--sheets', sheets)
  house.run('keys', 'seal')

  const first = await custodian(house)
  same('every page is a 503', (await first.goto('/cases')).status(), 503)
  has('it says what is the matter', await seen(first, 'sealed'), 'niêm phong')
  await go(first, () => first.click('main a[href="/unsealing"]'))
  has('two of three are needed', await seen(first, 'unsealing'), 'cần 2 trong 3 mảnh')
  const rows = share(sheets, 1)
  await first.fill('#share', rows.map((row, at) => at === 4 ? row.replace(/^\S+/, 'quynh') : row).join('\n'))
  const refused = await go(first, () => first.click('main button'))
  same('a mistyped share is refused', refused.status(), 422)
  const told = await seen(first, 'unsealing-fault')
  has('its row is named', told, 'Hàng 5, tiếng thứ 1')
  lacks('and it is not shown again', await first.content(), rows[0])
  await first.fill('#share', rows.join('\n'))
  await go(first, () => first.click('main button'))
  has('a right one is taken', await seen(first, 'unsealing-waiting'), 'Đã nhận mảnh số 1')

  // The second custodian stands in a corridor with a telephone and types row by row, without a mouse.
  const second = await custodian(house, { viewport: NARROW })
  await second.goto('/unsealing')
  has('she sees that one is there', await seen(second, 'unsealing-narrow'), 'Còn thiếu 1 mảnh')
  const to = tabTo(second)
  await to('#share')
  for (const row of share(sheets, 3)) {
    await second.keyboard.type(row.toUpperCase())
    await second.keyboard.press('Enter')
  }
  await to('main button')
  await go(second, () => second.keyboard.press('Enter'))
  check('now it is open', second.url().endsWith('/sign-in'), second.url())
  await go(first, () => first.reload())
  has('for everybody', await mainText(await first.goto('/sign-in').then(() => first)), 'Đăng nhập')
  return house
}
