//! Whether conditions hold of a payload, as the server would say. A condition it does not know is refused, never passed.

use std::collections::HashMap;

use q::condition::ConditionOneOf;
use q::r#match::MatchValue;
use q::value::Kind;
use qdrant_client::qdrant as q;
use tonic::Status;

type Payload = HashMap<String, q::Value>;

/// Whether a filter holds; without one everything does.
pub(super) fn holds(filter: Option<&q::Filter>, payload: &Payload) -> Result<bool, Status> {
    let Some(filter) = filter else {
        return Ok(true);
    };
    if filter.min_should.is_some() {
        return Err(unknown());
    }
    for condition in &filter.must {
        if !one(condition, payload)? {
            return Ok(false);
        }
    }
    for condition in &filter.must_not {
        if one(condition, payload)? {
            return Ok(false);
        }
    }
    let mut any = filter.should.is_empty();
    for condition in &filter.should {
        any = any || one(condition, payload)?;
    }
    Ok(any)
}

fn one(condition: &q::Condition, payload: &Payload) -> Result<bool, Status> {
    match condition.condition_one_of.as_ref() {
        Some(ConditionOneOf::Filter(filter)) => holds(Some(filter), payload),
        Some(ConditionOneOf::IsEmpty(empty)) => Ok(values(payload, &empty.key).is_empty()),
        Some(ConditionOneOf::Field(field)) => of_field(field, payload),
        _ => Err(unknown()),
    }
}

/// Of several values of a key it is enough that one fits.
fn of_field(field: &q::FieldCondition, payload: &Payload) -> Result<bool, Status> {
    let values = values(payload, &field.key);
    if let Some(range) = &field.range {
        let number = |kind: &&Kind| match kind {
            Kind::IntegerValue(number) => Some(*number as f64),
            Kind::DoubleValue(number) => Some(*number),
            _ => None,
        };
        return Ok(values.iter().filter_map(number).any(|value| {
            range.gt.is_none_or(|bound| value > bound)
                && range.gte.is_none_or(|bound| value >= bound)
                && range.lt.is_none_or(|bound| value < bound)
                && range.lte.is_none_or(|bound| value <= bound)
        }));
    }
    let words: &[String] = match field
        .r#match
        .as_ref()
        .and_then(|wanted| wanted.match_value.as_ref())
    {
        Some(MatchValue::Keyword(word)) => std::slice::from_ref(word),
        Some(MatchValue::Keywords(words)) => &words.strings,
        _ => return Err(unknown()),
    };
    let fits = |kind: &&Kind| matches!(kind, Kind::StringValue(value) if words.contains(value));
    Ok(values.iter().any(fits))
}

/// The values of a key: those of a list one by one, none where there is nothing.
fn values<'p>(payload: &'p Payload, key: &str) -> Vec<&'p Kind> {
    match payload.get(key).and_then(|value| value.kind.as_ref()) {
        None | Some(Kind::NullValue(_)) => Vec::new(),
        Some(Kind::ListValue(list)) => list
            .values
            .iter()
            .filter_map(|value| value.kind.as_ref())
            .collect(),
        Some(kind) => vec![kind],
    }
}

fn unknown() -> Status {
    Status::unimplemented("the stand-in does not know this condition")
}
