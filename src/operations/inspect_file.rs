//! What a file is, by its content; what it carries besides; and a photograph written anew without any of it.

use std::io::{Cursor, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use zeroize::Zeroizing;

use crate::domain::attachment::{Carries, Fault, Kind};

/// Bytes that tell what a file is.
pub const ENOUGH: usize = 8192;
/// A longer document is kept without a look inside.
pub const MOST_EXAMINED: usize = 8 << 20;
/// Most points of a picture: 50 megapixels.
const MOST_POINTS: u64 = 50_000_000;
/// Longer side of the small picture, in points.
const THUMBNAIL: u32 = 160;
/// Most bytes of one compressed part that are looked at.
const MOST_PART: u64 = 2 << 20;

/// What a file is by its first bytes; `None` for what is not taken.
#[must_use]
pub fn kind(start: &[u8]) -> Option<Kind> {
    let found = infer::get(start)?;
    let kind = match found.mime_type() {
        "image/jpeg" => Kind::Jpeg,
        "image/png" => Kind::Png,
        "image/webp" => Kind::Webp,
        "application/pdf" => Kind::Pdf,
        "audio/mpeg" => Kind::Mp3,
        "audio/m4a" => Kind::M4a,
        "audio/ogg" | "audio/opus" => Kind::Ogg,
        "audio/x-wav" => Kind::Wav,
        "video/mp4" => Kind::Mp4,
        other => Kind::ALL.into_iter().find(|kind| kind.ending_and_type().1 == other)?,
    };
    Some(kind)
}

/// A picture written anew: only its points are left.
pub struct Anew {
    /// Kind as written.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// A small JPEG, base64.
    pub thumbnail: Option<String>,
}

/// Decodes a photograph and writes its points anew, turned as it was meant to be seen.
pub fn anew(kind: Kind, bytes: &[u8]) -> Result<Anew, Fault> {
    let picture = decode(kind, bytes)?;
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let kind = if kind == Kind::Jpeg || !picture.color().has_alpha() {
        let encoder = JpegEncoder::new_with_quality(&mut *out, 88);
        picture
            .to_rgb8()
            .write_with_encoder(encoder)
            .map_err(|_| Fault::BrokenImage)?;
        Kind::Jpeg
    } else {
        let mut cursor = Cursor::new(&mut *out);
        picture
            .write_to(&mut cursor, ImageFormat::Png)
            .map_err(|_| Fault::BrokenImage)?;
        Kind::Png
    };
    Ok(Anew {
        kind,
        bytes: out,
        thumbnail: small(&picture),
    })
}

/// A small picture of a photograph that is kept as it is; `None` when it cannot be read.
#[must_use]
pub fn thumbnail(kind: Kind, bytes: &[u8]) -> Option<String> {
    small(&decode(kind, bytes).ok()?)
}

fn small(picture: &DynamicImage) -> Option<String> {
    let small = picture.thumbnail(THUMBNAIL, THUMBNAIL).to_rgb8();
    let mut out = Zeroizing::new(Vec::new());
    small
        .write_with_encoder(JpegEncoder::new_with_quality(&mut *out, 70))
        .ok()?;
    Some(STANDARD.encode(&*out))
}

fn decode(kind: Kind, bytes: &[u8]) -> Result<DynamicImage, Fault> {
    let broken = |_| Fault::BrokenImage;
    let format = match kind {
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Png => ImageFormat::Png,
        _ => ImageFormat::WebP,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_POINTS * 4);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_POINTS {
        return Err(Fault::ImageTooLarge);
    }
    let turned = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(turned);
    Ok(picture)
}

/// What a file that is kept as it came carries; `whole` is all of it, or `None` when it was too long to look at.
#[must_use]
pub fn carries(kind: Kind, whole: Option<&[u8]>) -> Vec<Carries> {
    let mut found = match (kind, whole) {
        (kind, _) if kind.is_image() || kind.is_recording() => vec![Carries::PlaceAndTime],
        (Kind::Doc | Kind::Xls, _) | (_, None) => vec![Carries::Unexamined],
        (Kind::Pdf, Some(whole)) => in_pdf(whole),
        (_, Some(whole)) => in_office(whole).unwrap_or_else(|| vec![Carries::Unexamined]),
    };
    found.sort_unstable();
    found.dedup();
    found
}

/// Words of a PDF that tell what it carries, in the open or in its compressed tables of objects (ISO 32000-1 7.5.7).
fn in_pdf(whole: &[u8]) -> Vec<Carries> {
    const WORDS: [(&[u8], Carries); 11] = [
        (b"/Author", Carries::Author),
        (b"/Creator", Carries::Author),
        (b"/Producer", Carries::Author),
        (b"<x:xmpmeta", Carries::Author),
        (b"/JavaScript", Carries::Macros),
        (b"/JS", Carries::Macros),
        (b"/Launch", Carries::Macros),
        (b"/EmbeddedFile", Carries::Embedded),
        (b"/URI", Carries::Links),
        (b"/Annots", Carries::Comments),
        (b"/Encrypt", Carries::Unexamined),
    ];
    let mut found = Vec::new();
    let mut look = |bytes: &[u8]| {
        found.extend(
            WORDS
                .iter()
                .filter(|(word, _)| holds(bytes, word))
                .map(|(_, what)| *what),
        );
    };
    look(whole);
    for at in places(whole, b"/ObjStm") {
        let rest = whole.get(at..).unwrap_or_default();
        if let Some(start) = places(rest, b"stream").next() {
            let body = rest.get(start + 6..).unwrap_or_default();
            let body = body.strip_prefix(b"\r\n").or(body.strip_prefix(b"\n")).unwrap_or(body);
            let mut part = Vec::new();
            // Half a part is looked at as far as it can be read.
            drop(
                flate2::read::ZlibDecoder::new(body)
                    .take(MOST_PART)
                    .read_to_end(&mut part),
            );
            look(&part);
        }
    }
    found
}

/// Parts of an Office Open XML or `OpenDocument` file that tell what it carries; `None` when it is no such file.
fn in_office(whole: &[u8]) -> Option<Vec<Carries>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(whole)).ok()?;
    let mut found = Vec::new();
    for number in 0..archive.len() {
        let file = archive.by_index(number).ok()?;
        let name = file.name().ok()?.into_owned();
        let words: &[(&[u8], Carries)] = match name.as_str() {
            "docProps/core.xml" => &[
                (b"<dc:creator>", Carries::Author),
                (b"<cp:lastModifiedBy>", Carries::Author),
            ],
            "docProps/app.xml" => &[(b"<Company>", Carries::Company)],
            "meta.xml" => &[
                (b"<dc:creator>", Carries::Author),
                (b"<meta:initial-creator>", Carries::Author),
            ],
            "word/document.xml" => &[(b"<w:ins ", Carries::Revisions), (b"<w:del ", Carries::Revisions)],
            "content.xml" => &[
                (b"<text:tracked-changes", Carries::Revisions),
                (b"<office:annotation", Carries::Comments),
            ],
            _ => &[],
        };
        found.extend(by_name(&name));
        if !words.is_empty() {
            let mut part = Vec::new();
            drop(file.take(MOST_PART).read_to_end(&mut part));
            found.extend(
                words
                    .iter()
                    .filter(|(word, _)| holds(&part, word))
                    .map(|(_, what)| *what),
            );
        }
    }
    Some(found)
}

fn by_name(name: &str) -> Option<Carries> {
    let file = name.rsplit('/').next().unwrap_or_default();
    let within = |folder: &str| name.contains(folder) && !file.is_empty();
    if file == "vbaProject.bin" || name.starts_with("Basic/") {
        Some(Carries::Macros)
    } else if file.starts_with("comments") {
        Some(Carries::Comments)
    } else if within("/embeddings/") {
        Some(Carries::Embedded)
    } else if within("/media/") || name.starts_with("Pictures/") {
        Some(Carries::Pictures)
    } else {
        None
    }
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    places(bytes, word).next().is_some()
}

fn places<'a>(bytes: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let windows = bytes.windows(word.len()).enumerate();
    windows.filter(move |(_, window)| *window == word).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    fn photograph() -> DynamicImage {
        DynamicImage::ImageRgb8(RgbImage::from_fn(40, 20, |x, _| {
            Rgb(if x < 20 { [250, 10, 10] } else { [10, 10, 250] })
        }))
    }

    /// A JPEG that says *turn me by 90°* and carries a made-up place.
    fn with_exif(jpeg: &[u8]) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        exif.extend_from_slice(b"GPS-MAU-20.9999N");
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], b"\xff\xe1", &length, &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn a_photograph_is_turned_and_loses_everything_but_its_points() {
        let bytes = with_exif(&encoded(&photograph(), ImageFormat::Jpeg));
        assert!(holds(&bytes, b"GPS-MAU"));
        let anew = anew(kind(&bytes).unwrap(), &bytes).unwrap();
        assert!(!holds(&anew.bytes, b"GPS-MAU") && !holds(&anew.bytes, b"Exif"));
        let seen = image::load_from_memory(&anew.bytes).unwrap().to_rgb8();
        assert_eq!(seen.dimensions(), (20, 40));
        assert!(seen.get_pixel(10, 5)[0] > 200 && seen.get_pixel(10, 35)[2] > 200);
        assert!(anew.thumbnail.is_some());
    }

    #[test]
    fn a_file_behind_a_picture_does_not_come_along() {
        let mut bytes = encoded(&photograph(), ImageFormat::Png);
        bytes.extend_from_slice(b"<script>PK\x03\x04");
        let anew = anew(kind(&bytes).unwrap(), &bytes).unwrap();
        assert!(!holds(&anew.bytes, b"<script>"));
    }

    #[test]
    fn what_is_transparent_stays_so() {
        let clear = DynamicImage::ImageRgba8(RgbaImage::from_pixel(9, 9, Rgba([0, 0, 0, 0])));
        let anew = anew(Kind::Png, &encoded(&clear, ImageFormat::Png)).unwrap();
        assert_eq!(anew.kind, Kind::Png);
        assert_eq!(
            image::load_from_memory(&anew.bytes).unwrap().to_rgba8().get_pixel(4, 4)[3],
            0
        );
    }

    #[test]
    fn a_picture_of_too_many_points_is_refused_before_it_is_decoded() {
        // A PNG of 60,000 × 60,000 that is a few bytes long.
        let mut header = b"IHDR".to_vec();
        header.extend_from_slice(&60_000_u32.to_be_bytes());
        header.extend_from_slice(&60_000_u32.to_be_bytes());
        header.extend_from_slice(&[8, 2, 0, 0, 0]);
        let crc = flate2::Crc::new();
        let mut crc = crc;
        crc.update(&header);
        let bomb = [
            b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(),
            &header,
            &crc.sum().to_be_bytes(),
        ]
        .concat();
        assert!(anew(Kind::Png, &bomb).is_err());
    }

    #[test]
    fn kinds_are_told_by_content_and_others_are_not_taken() {
        for (bytes, expected) in [
            (b"%PDF-1.7\n".as_slice(), Some(Kind::Pdf)),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0", Some(Kind::Ogg)),
            (b"MZ\x90\0", None),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", None),
            (b"<html><script>", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
            (b"", None),
            (b"ho so mau", None),
        ] {
            assert_eq!(kind(bytes), expected);
        }
    }

    #[test]
    fn a_pdf_tells_what_it_carries_even_in_compressed_objects() {
        let plain = b"%PDF-1.7 << /Author (mau) >> << /S /JavaScript /JS (app) >>";
        assert_eq!(carries(Kind::Pdf, Some(plain)), [Carries::Author, Carries::Macros]);
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packed, b"<< /Type /EmbeddedFile >>").unwrap();
        let packed = packed.finish().unwrap();
        let hidden = [
            b"%PDF-1.7 << /Type /ObjStm >> stream\r\n".as_slice(),
            &packed,
            b"endstream",
        ]
        .concat();
        assert_eq!(carries(Kind::Pdf, Some(&hidden)), [Carries::Embedded]);
        assert_eq!(carries(Kind::Pdf, Some(b"%PDF-1.7")), []);
        assert_eq!(carries(Kind::Pdf, None), [Carries::Unexamined]);
    }

    #[test]
    fn an_office_file_tells_what_it_carries() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for (name, text) in [
            ("[Content_Types].xml", "<Types/>"),
            ("docProps/core.xml", "<dc:creator>Người Mẫu</dc:creator>"),
            ("word/document.xml", "<w:p><w:del w:id='1'/></w:p>"),
            ("word/comments.xml", "<w:comments/>"),
            ("word/media/image1.jpeg", "x"),
            ("word/vbaProject.bin", "x"),
        ] {
            zip.start_file(name, options).unwrap();
            std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        assert_eq!(
            carries(Kind::Docx, Some(&bytes)),
            [
                Carries::Author,
                Carries::Comments,
                Carries::Revisions,
                Carries::Macros,
                Carries::Pictures
            ]
        );
        assert_eq!(carries(Kind::Docx, Some(b"no archive")), [Carries::Unexamined]);
    }
}
