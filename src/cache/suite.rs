//! One suite for both caches.
