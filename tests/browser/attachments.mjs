// The files of a case: adding with and without scripts, seeing a picture, downloading a document bit for bit.
import fs from 'node:fs'
import { allow, check, focused, go, has, lacks, NAMES, NARROW, same, seen, signedIn, valueOf } from './lib.mjs'

const PDF = Buffer.from('%PDF-1.7\n% tài liệu mẫu\n<< /Author (mau) /JS (app) >>\n' + 'x'.repeat(400_000))

const chosen = (name, mimeType, buffer) => ({ name, mimeType, buffer })

export async function attachments (house, mine) {
  const page = await signedIn(house, house.worker)
  allow(page.context(), 422, /\/attachments$/)
  await page.goto(mine.url)
  await go(page, () => page.click('main a[href$="/attachments"]'))
  has('a case without files says so', await seen(page, 'files-none'), 'chưa có tệp nào')
  lacks('the page of the files names nobody', await page.content(), NAMES)

  // The picture is one of a page of this house, without anything on it.
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 300, height: 60 } })
  await page.fill('#note', 'Mặt trước')
  await page.setInputFiles('#file', chosen('ảnh mẫu.png', 'image/png', picture))
  await page.click('main form[data-upload] button')
  await page.waitForSelector('.govuk-error-summary')
  check('a fault has the focus', await focused(page, '.govuk-error-summary'))
  has('without a part it is not taken', await seen(page, 'files-fault'), 'Hãy chọn tệp thuộc phần nào')
  same('what was said of it stays', await valueOf(page, '#note'), 'Mặt trước')
  same('and the file stays chosen', await page.evaluate(() => document.querySelector('#file').files.length), 1)
  await page.selectOption('#group', 'identity')
  await page.click('main form[data-upload] button')
  await page.waitForSelector('.dh-file')
  has('the picture is listed', await seen(page, 'files-picture'), 'ảnh mẫu.png')
  const seenSmall = await page.locator('.dh-file__picture').first().evaluate((image) => image.naturalWidth)
  check('with a small picture of it', seenSmall > 0, String(seenSmall))

  await page.selectOption('#group', 'risk')
  await page.setInputFiles('#file', chosen('đơn mẫu.pdf', 'application/pdf', PDF))
  await page.click('main form[data-upload] button')
  await page.waitForSelector('.dh-file + .dh-file')
  const both = await seen(page, 'files')
  has('a document is listed with what it carries', both, 'Tệp này có thể chứa thêm')
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.dh-file', { hasText: 'đơn mẫu.pdf' }).getByText('Tải về').click()])
  check('a download is called by the case alone', download.suggestedFilename().startsWith(mine.number), download.suggestedFilename())
  check('and comes back bit for bit', fs.readFileSync(await download.path()).equals(PDF))
  const shown = await page.goto(await page.locator('main a[href$="?show=1"]').first().getAttribute('href'))
  same('the picture opens in the browser', shown.headers()['content-type'], 'image/jpeg')
  check('where nothing may run', shown.headers()['content-security-policy'].includes('sandbox'))
  await page.context().close()
}

export async function attachmentsNarrow (house, mine) {
  const page = await signedIn(house, house.worker, { viewport: NARROW, javaScriptEnabled: false })
  allow(page.context(), 422, /\/attachments$/)
  await page.goto(`${mine.url}/attachments`)
  await seen(page, 'narrow-files')
  await page.selectOption('#group', 'risk')
  await page.setInputFiles('#file', chosen('a.exe', 'application/pdf', Buffer.from('MZ no document')))
  const refused = await go(page, () => page.click('main form[data-upload] button'))
  same('another kind is not taken, whatever it is called', refused.status(), 422)
  has('and the page says why', await seen(page, 'narrow-files-fault'), 'Không nhận loại tệp này')
  await page.setInputFiles('#file', chosen('ghi-âm.ogg', 'audio/ogg', Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.alloc(5000)])))
  const added = await go(page, () => page.click('main form[data-upload] button'))
  same('without scripts a file is added', added.status(), 200)
  has('and listed', await seen(page, 'narrow-files-more'), 'ghi-âm.ogg')
  await page.context().close()
}
