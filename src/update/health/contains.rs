//! Compares the result of a call with the expected JSON. Pure.

use serde_json::{Number, Value};

use crate::text::excerpt;

/// Returns a message about the first part of `expected` that `actual` lacks, or `None` if it contains all of it.
///
/// - An object contains another if it has all of its fields, and each field contains the other's. It may have more fields.
/// - An array contains another if each element of the other is contained in one of its elements.
/// - Other values must be equal. Numbers are compared by their value.
#[must_use]
pub fn missing(actual: &Value, expected: &Value) -> Option<String> {
    first_difference(actual, expected, &mut Vec::new())
}

fn first_difference<'a>(actual: &Value, expected: &'a Value, path: &mut Vec<&'a str>) -> Option<String> {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected.iter().find_map(|(key, expected)| {
            path.push(key);
            let missing = match actual.get(key) {
                Some(actual) => first_difference(actual, expected, path),
                None => Some(format!("there is no {}", field_name(path))),
            };
            path.pop();
            missing
        }),
        (Value::Array(actual), Value::Array(expected)) => {
            let lacking =
                expected.iter().find(|wanted| !actual.iter().any(|element| missing(element, wanted).is_none()));
            lacking.map(|wanted| format!("{} has no element with {}", field_name(path), excerpt_of(wanted)))
        }
        (Value::Number(actual), Value::Number(expected)) if is_equal(actual, expected) => None,
        _ if actual == expected => None,
        _ => Some(format!("{} is {}, not {}", field_name(path), excerpt_of(actual), excerpt_of(expected))),
    }
}

/// Tells whether two numbers are equal. Integers are compared as such: a float cannot hold large ones exactly.
fn is_equal(one: &Number, other: &Number) -> bool {
    let whole = |number: &Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.as_f64() == other.as_f64(),
    }
}

fn field_name(path: &[&str]) -> String {
    if path.is_empty() { "it".into() } else { format!("`{}`", excerpt(path.join(".").as_bytes())) }
}

fn excerpt_of(value: &Value) -> String {
    format!("`{}`", excerpt(value.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_names_the_first_difference() {
        let long = "x".repeat(500);
        for (actual, expected, lacking) in [
            (json!({"a": 1, "b": 2}), json!({"a": 1}), None),
            (json!({"a": 1}), json!({}), None),
            (json!({"a": {"b": {"c": true, "d": 1}}}), json!({"a": {"b": {"c": true}}}), None),
            (json!({"a": 1}), json!({"b": 1}), Some("there is no `b`")),
            (json!({"a": {"b": null}}), json!({"a": {"c": null}}), Some("there is no `a.c`")),
            (json!({"a": {"b": "x"}}), json!({"a": {"b": "y"}}), Some("`a.b` is `\"x\"`, not `\"y\"`")),
            (json!([1, 2, 3]), json!([3, 1]), None),
            (json!([1]), json!([1, 1]), None),
            (json!([1, 2]), json!([]), None),
            (json!([{"id": 1, "on": true}, {"id": 2}]), json!([{"id": 2}, {"on": true}]), None),
            (
                json!([{"id": 1}, {"on": true}]),
                json!([{"id": 1, "on": true}]),
                Some("it has no element with `{\"id\":1,\"on\":true}`"),
            ),
            (json!({"l": [[1, 2]]}), json!({"l": [[3]]}), Some("`l` has no element with `[3]`")),
            (json!(1), json!(1.0), None),
            (json!(-0.0), json!(0), None),
            (
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_992_i64),
                Some("it is `9007199254740993`, not `9007199254740992`"),
            ),
            (json!(u64::MAX), json!(-1), Some("it is `18446744073709551615`, not `-1`")),
            (json!("1"), json!(1), Some("it is `\"1\"`, not `1`")),
            (json!(null), json!(null), None),
            (json!(null), json!({}), Some("it is `null`, not `{}`")),
            (json!([]), json!({}), Some("it is `[]`, not `{}`")),
            (json!({"a": "\u{1b}[2J"}), json!({"a": 1}), Some("`a` is `\"\\u001b[2J\"`, not `1`")),
            (json!({long.clone(): 1}), json!({long.clone(): 2}), Some(&*format!("`{}…` is `1`, not `2`", &long[..60]))),
        ] {
            assert_eq!(missing(&actual, &expected).as_deref(), lacking, "{actual} contains {expected}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((".{0,3}", inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_contains_itself(value in values()) {
            prop_assert_eq!(missing(&value, &value), None);
        }

        #[test]
        fn message_on_any_two_values_is_short(one in values(), other in values()) {
            prop_assert!(missing(&one, &other).is_none_or(|text| text.chars().count() < 200));
        }
    }
}
