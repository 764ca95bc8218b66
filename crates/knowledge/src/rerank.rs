//! The hook behind the search: something that reads question and entries and says which fit best, such as a
//! cross-encoder. It may only reorder and leave out; it cannot bring what was not found.

use async_trait::async_trait;

/// One candidate as a reranker sees it.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Its topic.
    pub title: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Reorders what was found.
#[async_trait]
pub trait Reranker: Send + Sync + std::fmt::Debug {
    /// The places of the candidates, the best first; places that are not named come behind, in the order they had.
    /// Nothing where it cannot say: then the order stays.
    async fn rerank(&self, question: &str, candidates: &[Candidate<'_>]) -> Option<Vec<usize>>;
}

/// Brings a list into the order that a reranker named. A place that is named twice or that does not exist is passed over.
#[must_use]
pub fn reorder<T>(list: Vec<T>, places: &[usize]) -> Vec<T> {
    let mut left: Vec<Option<T>> = list.into_iter().map(Some).collect();
    let mut ordered: Vec<T> = places
        .iter()
        .filter_map(|place| left.get_mut(*place).and_then(Option::take))
        .collect();
    ordered.extend(left.into_iter().flatten());
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reranker_loses_and_invents_nothing() {
        assert_eq!(
            reorder(vec!['a', 'b', 'c', 'd'], &[2, 2, 9, 0]),
            ['c', 'a', 'b', 'd']
        );
        assert_eq!(reorder(Vec::<char>::new(), &[0]), Vec::<char>::new());
    }
}
