//! Stands in for the profile, which would bring the whole product with it.

pub(crate) mod profile {
    /// What a provider speaks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum ProviderKind {
        OpenAi,
        Anthropic,
        Azure,
        Google,
        Cohere,
        Ollama,
    }
}
