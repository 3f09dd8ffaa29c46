//! The store of sealed files that a configuration names.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::objects::{Objects, S3};

/// Opens the store of a deployment: a folder, or the bucket of `[s3]`.
pub fn files_of(config: &Config, data: &Path) -> Result<Objects, StorageError> {
    let Some(s3) = &config.s3 else {
        return Objects::folder(&config.files_folder(data));
    };
    let unreadable = |error: std::io::Error| StorageError::Unavailable(error.into());
    if !(s3.endpoint.starts_with("https://") || is_loopback(&s3.endpoint)) {
        return Err(StorageError::Inconsistent(
            "the endpoint of [s3] must begin with https://",
        ));
    }
    let about = std::fs::metadata(&s3.credentials).map_err(unreadable)?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(StorageError::Inconsistent(
            "the credentials of [s3] can be read by others; chmod 600 the file",
        ));
    }
    let text = Zeroizing::new(std::fs::read_to_string(&s3.credentials).map_err(unreadable)?);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let plain = |line: &&str| !line.contains(|letter: char| letter.is_whitespace() || "=[]#".contains(letter));
    // A secret has more letters than the id of a key: a file that is the other way round would send it in the open.
    let [id, secret] = lines.as_slice() else {
        return Err(StorageError::Inconsistent(
            "the credentials of [s3] have two lines: the id of the access key, and its secret",
        ));
    };
    if !plain(id) || secret.contains(char::is_whitespace) || id.len() > secret.len() {
        return Err(StorageError::Inconsistent(
            "the credentials of [s3] have two lines: first the id of the access key alone, then its secret alone",
        ));
    }
    Objects::bucket(&S3 {
        endpoint: &s3.endpoint,
        region: &s3.region,
        bucket: &s3.bucket,
        prefix: &s3.prefix,
        key: (id, secret),
    })
}

/// Whether an address without TLS is one of this machine, by the whole name of its host.
fn is_loopback(endpoint: &str) -> bool {
    let Some(rest) = endpoint.strip_prefix("http://") else {
        return false;
    };
    let place = rest.split('/').next().unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        let port = place.strip_prefix(host);
        port.is_some_and(|port| {
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for good in [
            "http://127.0.0.1:9000",
            "http://localhost",
            "http://[::1]:9000/",
            "http://[::1]",
            "http://localhost:9000/x",
        ] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "http://localhost:x@evil.example",
            "http://evil.example/127.0.0.1",
            "http://127.0.0.1:80:80",
            "ftp://localhost",
            "localhost",
            "",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
