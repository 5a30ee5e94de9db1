//! Whether a result contains what was expected of it. Pure.

use serde_json::{Number, Value};

use crate::text::excerpt;

/// What `actual` lacks of `expected`, in words that can stand behind "the result: "; `None` if it
/// contains all of it. An object contains another if each of its fields does, whatever else is there; an
/// array contains another if each of its elements is contained in some element; all else is equal,
/// numbers by their value.
#[must_use]
pub fn missing(actual: &Value, expected: &Value) -> Option<String> {
    look(actual, expected, &mut Vec::new())
}

fn look<'a>(actual: &Value, expected: &'a Value, path: &mut Vec<&'a str>) -> Option<String> {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected.iter().find_map(|(key, expected)| {
            path.push(key);
            let missing = match actual.get(key) {
                Some(actual) => look(actual, expected, path),
                None => Some(format!("there is no {}", place(path))),
            };
            path.pop();
            missing
        }),
        (Value::Array(actual), Value::Array(expected)) => {
            let lacking =
                expected.iter().find(|wanted| !actual.iter().any(|element| missing(element, wanted).is_none()));
            lacking.map(|wanted| format!("{} has no element with {}", place(path), shown(wanted)))
        }
        (Value::Number(actual), Value::Number(expected)) if same(actual, expected) => None,
        _ if actual == expected => None,
        _ => Some(format!("{} is {}, not {}", place(path), shown(actual), shown(expected))),
    }
}

/// Whole numbers are compared as such: a float has no room for large ones.
fn same(one: &Number, other: &Number) -> bool {
    let whole = |number: &Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.as_f64() == other.as_f64(),
    }
}

fn place(path: &[&str]) -> String {
    if path.is_empty() { "it".into() } else { format!("`{}`", excerpt(path.join(".").as_bytes())) }
}

fn shown(value: &Value) -> String {
    format!("`{}`", excerpt(value.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_contained() {
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
        fn everything_contains_itself(value in values()) {
            prop_assert_eq!(missing(&value, &value), None);
        }

        #[test]
        fn any_two_can_be_compared(one in values(), other in values()) {
            // Short, whatever they are.
            prop_assert!(missing(&one, &other).is_none_or(|text| text.chars().count() < 200));
        }
    }
}
