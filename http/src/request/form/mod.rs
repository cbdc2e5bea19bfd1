//! Forms: `name=value&name=value`, from anything that serialises as pairs (the URL standard's
//! `application/x-www-form-urlencoded`).
//!
//! ```text
//! error.rs   why a value cannot be written as a form
//! ```
//!
//! Query parameters and form bodies are flat lists of names and texts, unlike most Rust values. The value as a whole must be
//! a list of fields: a struct, a map, or a sequence of pairs. A name or a value must be a text or something with an obvious
//! text form: a number, a `bool`, a `char`, a variant without data. A field that is `None`, or `null` in a JSON value, is
//! left out. A value may also be a list of these: the name is then written once for each (`a=1&a=2`), as by requests and httpx,
//! and not at all for an empty one. Everything else is an error that says what was found where, because servers expect structs
//! and lists of lists in many different forms.
//!
//! ```text
//! place      struct or map    sequence or tuple      scalar        None, null
//! Whole      its fields       its elements: pairs    error         nothing
//! Element    error            name and value         error         nothing
//! Name       error            error                  the text      the field has no name: error
//! Value      error            its elements: items    a field       nothing
//! Item       error            error                  a field       nothing
//! ```

mod error;

use error::FormError;
use serde_core::Serialize;
use serde_core::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct, Serializer,
};
use std::fmt::{Debug, Display};

type Form = form_urlencoded::Serializer<'static, String>;

/// The form with the fields of `value`.
pub(crate) fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, FormError> {
    let mut form = Form::new(String::new());
    value.serialize(Place::Whole(&mut form))?;
    Ok(form.finish())
}

/// What is expected of the value that comes next.
enum Place<'a> {
    /// The fields of the form.
    Whole(&'a mut Form),
    /// One field, as a pair.
    Element(&'a mut Form),
    /// A name; it stays `None` if there is none.
    Name(&'a mut Option<String>),
    /// The value of the field with this name.
    Value(&'a mut Form, &'a str),
    /// A value in a list of them.
    Item(&'a mut Form, &'a str),
}

/// What is being serialised.
enum Parts<'a> {
    /// Names and values alternate.
    Fields(&'a mut Form, Option<String>),
    /// Each element is a pair.
    Pairs(&'a mut Form),
    /// Name and value are the first and second element, and there is no third.
    Pair { form: &'a mut Form, name: Option<String>, count: usize },
    /// Each element is a value of the field with this name.
    Items(&'a mut Form, &'a str),
}

/// The text of a name, if it has one.
fn name_of<T: Serialize + ?Sized>(name: &T) -> Result<Option<String>, FormError> {
    let mut text = None;
    name.serialize(Place::Name(&mut text))?;
    Ok(text)
}

/// Writes a field, or one for each element of a list.
fn append<T: Serialize + ?Sized>(form: &mut Form, name: Option<&str>, value: &T) -> Result<(), FormError> {
    value.serialize(Place::Value(form, name.ok_or(FormError::NoName)?))
}

impl<'a> Place<'a> {
    fn scalar(self, text: impl Display, what: &'static str) -> Result<(), FormError> {
        match self {
            Place::Name(out) => {
                *out = Some(text.to_string());
                Ok(())
            }
            Place::Value(form, name) | Place::Item(form, name) => {
                form.append_pair(name, &text.to_string());
                Ok(())
            }
            place => Err(place.unexpected(what)),
        }
    }

    /// As in Rust source: with a decimal point, so that it stays a float.
    fn float(self, number: impl Debug) -> Result<(), FormError> {
        self.scalar(format_args!("{number:?}"), "a number")
    }

    fn list(self, what: &'static str) -> Result<Parts<'a>, FormError> {
        match self {
            Place::Whole(form) => Ok(Parts::Pairs(form)),
            Place::Element(form) => Ok(Parts::Pair { form, name: None, count: 0 }),
            Place::Value(form, name) => Ok(Parts::Items(form, name)),
            Place::Name(_) | Place::Item(..) => Err(self.unexpected(what)),
        }
    }

    fn fields(self, what: &'static str) -> Result<Parts<'a>, FormError> {
        match self {
            Place::Whole(form) => Ok(Parts::Fields(form, None)),
            _ => Err(self.unexpected(what)),
        }
    }

    fn nothing(self, what: &'static str) -> Result<(), FormError> {
        match self {
            Place::Whole(_) => Ok(()),
            _ => Err(self.unexpected(what)),
        }
    }

    fn unexpected(&self, what: &'static str) -> FormError {
        match self {
            Place::Whole(_) => FormError::NotFields(what),
            Place::Element(_) => FormError::NotPair(what),
            Place::Name(_) => FormError::NotText(what),
            Place::Value(_, name) => FormError::NotTextIn((*name).into(), what),
            Place::Item(_, name) => FormError::NotTextInList((*name).into(), what),
        }
    }
}

impl<'a> Serializer for Place<'a> {
    type Ok = ();
    type Error = FormError;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Impossible<(), FormError>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Impossible<(), FormError>;

    fn serialize_bool(self, v: bool) -> Result<(), FormError> {
        self.scalar(v, "a bool")
    }

    fn serialize_i8(self, v: i8) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_i16(self, v: i16) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_i32(self, v: i32) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_i64(self, v: i64) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_i128(self, v: i128) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_u8(self, v: u8) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_u16(self, v: u16) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_u32(self, v: u32) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_u64(self, v: u64) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_u128(self, v: u128) -> Result<(), FormError> {
        self.scalar(v, "a number")
    }

    fn serialize_f32(self, v: f32) -> Result<(), FormError> {
        self.float(v)
    }

    fn serialize_f64(self, v: f64) -> Result<(), FormError> {
        self.float(v)
    }

    fn serialize_char(self, v: char) -> Result<(), FormError> {
        self.scalar(v, "a char")
    }

    fn serialize_str(self, v: &str) -> Result<(), FormError> {
        self.scalar(v, "a text")
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), FormError> {
        match std::str::from_utf8(v) {
            Ok(text) => self.scalar(text, "bytes"),
            Err(_) => Err(self.unexpected("bytes that are not UTF-8")),
        }
    }

    fn serialize_none(self) -> Result<(), FormError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), FormError> {
        value.serialize(self)
    }

    /// The `null` of a JSON value is written this way: a field without a value, like `None`.
    fn serialize_unit(self) -> Result<(), FormError> {
        match self {
            Place::Name(_) | Place::Value(..) | Place::Item(..) => Ok(()),
            _ => self.nothing("the empty tuple"),
        }
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), FormError> {
        self.nothing("a struct without fields")
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), FormError> {
        self.scalar(variant, "a variant")
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), FormError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), FormError> {
        Err(self.unexpected("a variant with data"))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Parts<'a>, FormError> {
        self.list("a sequence")
    }

    fn serialize_tuple(self, _length: usize) -> Result<Parts<'a>, FormError> {
        self.list("a tuple")
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Parts<'a>, FormError> {
        self.list("a tuple struct")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, FormError> {
        Err(self.unexpected("a variant with data"))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Parts<'a>, FormError> {
        self.fields("a map")
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Parts<'a>, FormError> {
        self.fields("a struct")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, FormError> {
        Err(self.unexpected("a variant with data"))
    }
}

impl Parts<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), FormError> {
        match self {
            Parts::Pairs(form) => element.serialize(Place::Element(form)),
            Parts::Pair { form, name, count } => {
                *count += 1;
                match count {
                    1 => *name = name_of(element)?,
                    2 => append(form, name.as_deref(), element)?,
                    _ => {}
                }
                Ok(())
            }
            Parts::Items(form, name) => element.serialize(Place::Item(form, name)),
            Parts::Fields(..) => Ok(()),
        }
    }

    fn finish(self) -> Result<(), FormError> {
        match self {
            Parts::Pair { count, .. } if count != 2 => Err(FormError::Length(count)),
            _ => Ok(()),
        }
    }

    fn named<T: Serialize + ?Sized>(&mut self, name: Option<String>, value: &T) -> Result<(), FormError> {
        match self {
            Parts::Fields(form, _) => append(form, name.as_deref(), value),
            _ => Ok(()),
        }
    }
}

impl SerializeSeq for Parts<'_> {
    type Ok = ();
    type Error = FormError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), FormError> {
        self.element(element)
    }

    fn end(self) -> Result<(), FormError> {
        self.finish()
    }
}

impl SerializeTuple for Parts<'_> {
    type Ok = ();
    type Error = FormError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), FormError> {
        self.element(element)
    }

    fn end(self) -> Result<(), FormError> {
        self.finish()
    }
}

impl SerializeTupleStruct for Parts<'_> {
    type Ok = ();
    type Error = FormError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), FormError> {
        self.element(element)
    }

    fn end(self) -> Result<(), FormError> {
        self.finish()
    }
}

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = FormError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), FormError> {
        if let Parts::Fields(_, name) = self {
            *name = name_of(key)?;
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FormError> {
        let name = match self {
            Parts::Fields(_, name) => name.take(),
            _ => None,
        };
        self.named(name, value)
    }

    fn end(self) -> Result<(), FormError> {
        Ok(())
    }
}

impl SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = FormError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), FormError> {
        self.named(Some(name.into()), value)
    }

    fn end(self) -> Result<(), FormError> {
        Ok(())
    }
}
