//! A CloudFormation template as one JSON value: `!Ref X` and the other short forms become
//! what they stand for, `{"Ref": "X"}`.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

pub fn read(name: &str) -> Value {
    let text = super::read(name);
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(documents.len(), 1, "{name} is one document");
    to_json(&documents[0])
}

fn to_json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(to_json).collect(),
        Yaml::Mapping(fields) => fields
            .iter()
            .map(|(name, value)| {
                let name = name.as_str().expect("names are text");
                (name.to_owned(), to_json(value))
            })
            .collect(),
        Yaml::Tagged(tag, node) => intrinsic(&tag.suffix, to_json(node)),
        Yaml::Representation(text, _, Some(tag)) => intrinsic(&tag.suffix, json!(text)),
        other => panic!("not of a template: {other:?}"),
    }
}

/// The long form of a short one. CloudFormation User Guide, "Intrinsic function reference".
fn intrinsic(tag: &str, value: Value) -> Value {
    match tag {
        "Ref" | "Condition" => json!({tag: value}),
        "GetAtt" => {
            let text = value.as_str().expect("GetAtt of Resource.Attribute");
            let (resource, attribute) = text.split_once('.').expect("Resource.Attribute");
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        "Sub" | "If" | "Not" | "And" | "Or" | "Equals" | "Join" | "Select" | "Split"
        | "FindInMap" | "Contains" => json!({format!("Fn::{tag}"): value}),
        other => panic!("!{other} is not known here: add it"),
    }
}

#[test]
fn short_forms_become_long_ones() {
    let read = |text| to_json(&Yaml::load_from_str(text).unwrap()[0]);
    assert_eq!(
        read("a: !If [C, !Ref B, !GetAtt R.Outputs.X]"),
        json!({"a": {"Fn::If": ["C", {"Ref": "B"}, {"Fn::GetAtt": ["R", "Outputs.X"]}]}})
    );
    assert_eq!(
        read("a: !Sub 'x${B}'\nb: '7'\nc: 7"),
        json!({"a": {"Fn::Sub": "x${B}"}, "b": "7", "c": 7})
    );
}
