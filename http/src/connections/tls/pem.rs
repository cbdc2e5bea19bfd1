//! Certificates and keys in PEM text (RFC 7468), with error messages for malformed text.
//!
//! The errors of the parser quote the line that they could not parse, which may be the private key. So they are dropped, and
//! the text is searched for common mistakes instead. The messages quote nothing of the text except well-known block labels.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt::Write;

const BEGIN: &str = "-----BEGIN ";
/// Some Windows programs write it at the start of a text file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The labels of blocks that are often confused.
const LABELS: [&str; 12] = [
    "CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "CERTIFICATE REQUEST",
    "NEW CERTIFICATE REQUEST",
    "X509 CRL",
    "PKCS7",
    "PUBLIC KEY",
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
];

/// All certificates of a text; at least one.
///
/// # Errors
/// A message that quotes nothing of the text.
pub(super) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    match CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, pem::Error>>() {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) | Err(_) => Err(explain(text, "a CERTIFICATE block", "openssl x509 -inform der -in FILE")),
    }
}

/// The first private key of a text.
///
/// # Errors
/// A message that quotes nothing of the text.
pub(super) fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if is_encrypted(&String::from_utf8_lossy(text)) {
        return Err("the key is encrypted with a passphrase, which is not supported; \
                    `openssl pkey -in FILE` writes it without one"
            .into());
    }
    let wanted = "a PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY block";
    PrivateKeyDer::from_pem_slice(text)
        .map_err(|_| explain(text, wanted, "openssl pkey -inform der -in FILE"))
}

fn is_encrypted(text: &str) -> bool {
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}

fn explain(text: &[u8], wanted: &str, conversion: &str) -> String {
    if text.is_empty() {
        return format!("the text is empty; {wanted} in PEM is expected");
    }
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return "the text is in UTF-16; PEM is ASCII".into();
    }
    // An ASN.1 sequence of more than 127 bytes.
    if text[0] == 0x30 && text.get(1).is_some_and(|length| matches!(length, 0x81..=0x84)) {
        return format!("this is DER, and PEM is expected; `{conversion}` converts it");
    }
    let text = String::from_utf8_lossy(text);
    if !text.contains(BEGIN) {
        return format!("there is no PEM block in the text; {wanted} is expected");
    }
    let has_lost_line_breaks = |block: &str| {
        let label_end = block.find("-----").unwrap_or(block.len());
        block[label_end..]
            .strip_prefix("-----")
            .is_some_and(|rest| !rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n'))
    };
    let blocks = || text.split(BEGIN).skip(1);
    if blocks().any(has_lost_line_breaks) {
        return "the line breaks of the PEM text are missing; each BEGIN and END must be on its own line"
            .into();
    }
    if blocks().any(|block| !block.contains("-----END ")) {
        return "the PEM text is truncated: a block has no END line".into();
    }
    let mut message = format!("{wanted} is expected");
    let found: Vec<_> = blocks().map(label).collect();
    if found
        .iter()
        .all(|label| !wanted.contains(&format!("{label} block")) && !wanted.contains(&format!(" {label},")))
    {
        // Writing to a string does not fail.
        let _ = write!(message, ", and the text has: {}", found.join(", "));
    } else {
        message += ", and the one in the text is damaged: its content is not base64, or a line is missing";
    }
    message
}

fn label(block: &str) -> &'static str {
    let label = block.split("-----").next().unwrap_or_default();
    LABELS.into_iter().find(|known| *known == label).unwrap_or("another kind of block")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str = "c2VjcmV0c2VjcmV0c2VjcmV0";

    fn block(label: &str) -> String {
        format!("-----BEGIN {label}-----\n{CONTENT}\n-----END {label}-----\n")
    }

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expected: &str) {
        let words = private_key(text.as_ref()).expect_err("no key");
        assert!(words.contains(expected), "{words}");
        let secret = (0..CONTENT.len() - 8).any(|at| words.contains(&CONTENT[at..at + 8]));
        assert!(!secret && !words.contains("115"), "{words}");
    }

    #[test]
    fn each_thing_that_can_be_wrong_with_a_key_is_said_and_its_content_is_not() {
        check("", "empty");
        check(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2Vj\n-----END ENCRYPTED PRIVATE KEY-----",
            "passphrase",
        );
        check(block("RSA PRIVATE KEY").replace('\n', "\nProc-Type: 4,ENCRYPTED\n"), "passphrase");
        check(b"\x30\x82\x04\xbdsecretsecret", "DER");
        check(b"\xff\xfe-\0-\0", "UTF-16");
        check(CONTENT, "no PEM block");
        check(block("PRIVATE KEY").replace('\n', ""), "line breaks");
        check(block("PRIVATE KEY").replace('\n', " "), "line breaks");
        check(format!("-----BEGIN PRIVATE KEY-----\n{CONTENT}\n"), "truncated");
        check(block("CERTIFICATE"), "the text has: CERTIFICATE");
        check(block("OPENSSH PRIVATE KEY"), "the text has: OPENSSH PRIVATE KEY");
        check(block(CONTENT), "another kind of block");
        check(block("PRIVATE KEY").replace("c2V", "*"), "damaged");
    }

    #[test]
    fn a_byte_order_mark_and_text_around_the_block_do_not_matter() {
        let text = format!("\u{feff}subject=x\n{}more\n", block("PRIVATE KEY"));
        assert!(private_key(text.as_bytes()).is_ok());
        assert_eq!(certificates(block("CERTIFICATE").repeat(2).as_bytes()).map(|all| all.len()), Ok(2));
    }

    #[test]
    fn a_text_without_certificates_is_refused() {
        let words = certificates(block("PRIVATE KEY").as_bytes()).expect_err("no certificate");
        assert!(words.contains("the text has: PRIVATE KEY") && !words.contains("c2Vj"), "{words}");
    }
}
