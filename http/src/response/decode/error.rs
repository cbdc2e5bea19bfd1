//! What can be wrong with a compressed body.

use std::error::Error;
use std::fmt;

#[derive(Debug)]
pub(crate) enum DecodeError {
    Damaged {
        coding: &'static str,
        cause: Option<Cause>,
    },
    CutOff {
        coding: &'static str,
    },
    Surplus {
        coding: &'static str,
    },
    /// There is much data between two codings, and little or no output.
    ExcessiveIntermediate,
}

/// The error of the decompressor.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Damaged { coding, .. } => write!(f, "the {coding} data is damaged"),
            DecodeError::CutOff { coding } => write!(f, "the {coding} data ends in the middle"),
            DecodeError::Surplus { coding } => write!(f, "something follows the end of the {coding} data"),
            DecodeError::ExcessiveIntermediate => {
                f.write_str("there is far more data between its codings than output")
            }
        }
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            DecodeError::Damaged { cause: Some(cause), .. } => Some(&**cause),
            _ => None,
        }
    }
}
