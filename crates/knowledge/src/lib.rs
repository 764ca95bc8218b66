//! What is known and how it is found. Entries are kept by `store`; here they are indexed and searched.
