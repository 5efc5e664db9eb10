//! Tests of the rules through loading.
