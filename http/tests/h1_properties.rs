//! The five properties of `h1_support/properties.rs` on seeded random input: the same on every run, and on
//! every machine. The fuzz targets call the same functions with input of their own.

mod h1_support;

use h1_support::generated::{Entropy, Generated, Random};
use h1_support::properties;

/// Random bytes: what a generated response is made of.
fn random(random: &mut Random) -> Vec<u8> {
    let length = random.below(200);
    random.bytes(length)
}

/// A response with a few bytes changed, taken out, put in or repeated: wrong in places that random bytes do
/// not reach. The random bytes in front are for a property to make its choices with.
fn nearly_a_response(random: &mut Random) -> Vec<u8> {
    let entropy = random.bytes(100);
    let mut response = Generated::new(&mut Entropy(&entropy)).bytes();
    for _ in 0..random.below(4) {
        let at = random.below(response.len().min(400));
        match random.below(5) {
            0 => response[at] = random.number() as u8,
            1 => drop(response.remove(at)),
            2 => response.insert(at, b"\r\n\0 :;,0aF+-\x80"[random.below(13)]),
            3 => response.truncate(at.max(1)),
            _ => {
                let until = response.len().min(at + random.below(40));
                let repeated = response[at..until].to_vec();
                response.splice(at..at, repeated);
            }
        }
    }
    let mut bytes = random.bytes(35);
    // Mostly an answer to a GET, whose body is read.
    bytes[..2].fill(0);
    bytes.extend_from_slice(&response);
    bytes
}

#[test]
fn case_137_any_bytes_are_survived() {
    let mut seeded = Random::new(1);
    for _ in 0..3000 {
        properties::any_bytes_are_survived(&random(&mut seeded));
        let mut bytes = nearly_a_response(&mut seeded);
        properties::any_bytes_are_survived(&bytes.split_off(33));
    }
}

#[test]
fn case_137_the_cut_does_not_matter() {
    let mut seeded = Random::new(2);
    for _ in 0..400 {
        properties::the_cut_does_not_matter(&random(&mut seeded));
        properties::the_cut_does_not_matter(&nearly_a_response(&mut seeded));
    }
}

#[test]
fn a_response_reads_back_as_it_was_written() {
    let mut seeded = Random::new(3);
    for _ in 0..3000 {
        properties::a_response_reads_back_as_it_was_written(&random(&mut seeded));
    }
}

#[test]
fn two_responses_back_to_back_stay_apart() {
    let mut seeded = Random::new(4);
    for _ in 0..3000 {
        properties::two_responses_back_to_back_stay_apart(&random(&mut seeded));
    }
}

#[test]
fn any_order_of_calls_is_survived() {
    let mut seeded = Random::new(5);
    for _ in 0..5000 {
        properties::any_order_of_calls_is_survived(&random(&mut seeded));
    }
}
