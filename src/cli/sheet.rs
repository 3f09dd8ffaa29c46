//! A custodian's sheet: seven rows and the same as a picture, for paper or for the screen.

use std::fmt::Write as _;

use ledger::vault::share::Share;
use qrcode::QrCode;
use qrcode::render::{svg, unicode};
use zeroize::Zeroizing;

use super::{Fault, fault};

/// What a sheet says.
pub struct Sheet<'a> {
    /// The share.
    pub share: &'a Share,
    /// Shares that open the slot together.
    pub threshold: u8,
    /// Shares that there are.
    pub of: u8,
    /// Name of the slot.
    pub slot: &'a str,
}

/// For a terminal.
pub fn text(sheet: &Sheet<'_>) -> Result<Zeroizing<String>, Fault> {
    let mut out = Zeroizing::new(format!(
        "\nĐồng Hành – mảnh khóa số {} / share {} of {}; {} open slot {}\n\n",
        sheet.share.number(),
        sheet.share.number(),
        sheet.of,
        sheet.threshold,
        sheet.slot
    ));
    for (row, number) in sheet.share.rows().iter().zip(1..) {
        writeln!(out, "  {number}.  {}", **row).map_err(fault)?;
    }
    let picture = Zeroizing::new(code(sheet.share)?.render::<unicode::Dense1x2>().build());
    writeln!(out, "\n{}", *picture).map_err(fault)?;
    Ok(out)
}

/// For a printer: one page of A4 in a file that needs nothing else.
pub fn html(sheet: &Sheet<'_>) -> Result<Zeroizing<String>, Fault> {
    let mut rows = Zeroizing::new(String::new());
    for row in sheet.share.rows() {
        write!(rows, "<li>{}</li>", *row).map_err(fault)?;
    }
    let picture = code(sheet.share)?
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .build();
    let picture = Zeroizing::new(picture);
    let drawing = picture
        .split_once("?>")
        .map_or(picture.as_str(), |(_, drawing)| drawing);
    Ok(Zeroizing::new(format!(
        "<!DOCTYPE html><html lang=\"vi\"><head><meta charset=\"utf-8\"><title>Mảnh khóa {number}/{of}</title><style>\
         @page{{size:A4;margin:22mm}}body{{font:13pt/1.5 sans-serif;max-width:170mm;margin:auto}}\
         ol{{font:bold 17pt/1.7 monospace;border:1px solid #000;padding:4mm 4mm 4mm 16mm}}p.en{{color:#444;font-size:11pt}}\
         dl{{display:grid;grid-template-columns:auto 1fr;gap:2mm 8mm}}dd{{margin:0;border-bottom:1px dotted #000}}</style></head><body>\
         <h1>Đồng Hành – mảnh khóa số {number}</h1>\
         <p>Một trong {of} mảnh; {threshold} mảnh cùng nhau mở niêm phong. Một mình mảnh này không mở được gì. Không chụp ảnh, không gửi \
         qua mạng, không để chung với mảnh khác.</p>\
         <p class=\"en\" lang=\"en\">One of {of} shares; {threshold} together unseal the system. Alone it opens nothing. Do not \
         photograph it, send it, or keep it with another share.</p>\
         <ol>{rows}</ol>{drawing}\
         <dl><dt>Ổ khóa / slot</dt><dd>{slot}</dd><dt>Người giữ khóa / custodian</dt><dd>&nbsp;</dd>\
         <dt>Ngày nhận / received on</dt><dd>&nbsp;</dd></dl></body></html>\n",
        number = sheet.share.number(),
        of = sheet.of,
        threshold = sheet.threshold,
        slot = sheet.slot,
        rows = *rows,
    )))
}

/// The 42 syllables in upper case: letters and spaces are the densest text of a QR code.
fn code(share: &Share) -> Result<QrCode, Fault> {
    let rows = share.rows();
    let mut line = Zeroizing::new(String::with_capacity(256));
    for row in &rows {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(row);
    }
    line.make_ascii_uppercase();
    QrCode::new(line.as_bytes()).map_err(fault)
}
