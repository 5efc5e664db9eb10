//! Providers that variables alone define.

use crate::settings::catalogue::{Alias, Consumer, Reload, settings};
use crate::settings::profile::ProviderKind;
use crate::settings::secret::SecretRef;
use url::Url;

settings! {
    /// Providers: a key alone makes a provider usable; profiles can define more.
    pub(crate) struct ProviderSettings in "providers" {
        /// Base URL of the OpenAI API, with `/v1`.
        openai_url: Option<Url> = "OPENAI_BASE_URL" { example: Some("https://api.openai.com/v1"), reload: Reload::Live },
        /// Base URL of the Anthropic API, without `/v1`.
        anthropic_url: Option<Url> = "ANTHROPIC_BASE_URL" { example: Some("https://api.anthropic.com"), reload: Reload::Live },
        /// Base URL of the Google Gemini API, without a version.
        google_url: Option<Url> = "GOOGLE_GEMINI_BASE_URL" { example: Some("https://generativelanguage.googleapis.com"), reload: Reload::Live },
        /// Base URL of the Cohere API, without a version.
        cohere_url: Option<Url> = "COHERE_BASE_URL" { example: Some("https://api.cohere.com"), reload: Reload::Live },
        /// Address of an Ollama server, which then needs no key.
        ollama_url: Option<Url> = "OLLAMA_BASE_URL" { example: Some("http://127.0.0.1:11434"), reload: Reload::Live },
        /// Address of a resource of Azure OpenAI.
        azure_url: Option<Url> = "AZURE_OPENAI_ENDPOINT" { example: Some("https://example.openai.azure.com"), reload: Reload::Live },
    }
    declared {
        /// Key of the OpenAI API.
        "OPENAI_API_KEY": Option<SecretRef> { vault: Some("openai"), reload: Reload::Live },
        /// Key of the Anthropic API.
        "ANTHROPIC_API_KEY": Option<SecretRef> { vault: Some("anthropic"), reload: Reload::Live },
        /// Key of the Google Gemini API.
        "GOOGLE_API_KEY": Option<SecretRef> { vault: Some("google"), reload: Reload::Live, aliases: &[Alias::yielding("GEMINI_API_KEY")] },
        /// Key of the Mistral API.
        "MISTRAL_API_KEY": Option<SecretRef> { vault: Some("mistral"), reload: Reload::Live },
        /// Key of the DeepSeek API.
        "DEEPSEEK_API_KEY": Option<SecretRef> { vault: Some("deepseek"), reload: Reload::Live },
        /// Key of the Groq API.
        "GROQ_API_KEY": Option<SecretRef> { vault: Some("groq"), reload: Reload::Live },
        /// Key of the Together API.
        "TOGETHER_API_KEY": Option<SecretRef> { vault: Some("together"), reload: Reload::Live },
        /// Key of OpenRouter.
        "OPENROUTER_API_KEY": Option<SecretRef> { vault: Some("openrouter"), reload: Reload::Live },
        /// Key of the xAI API.
        "XAI_API_KEY": Option<SecretRef> { vault: Some("xai"), reload: Reload::Live },
        /// Key of the Cohere API.
        "COHERE_API_KEY": Option<SecretRef> { vault: Some("cohere"), reload: Reload::Live },
        /// Key of a resource of Azure OpenAI.
        "AZURE_OPENAI_API_KEY": Option<SecretRef> { vault: Some("azure"), reload: Reload::Live },
        /// The version of the API of Azure OpenAI that asks by deployments; without it the API that
        /// has no versions is asked.
        "AZURE_OPENAI_API_VERSION": Option<String> { example: Some("2024-10-21"), reload: Reload::Live },
        /// Key of the Ollama server of its vendor; one at an address of your own needs none.
        "OLLAMA_API_KEY": Option<SecretRef> { vault: Some("ollama"), reload: Reload::Live },
        /// Admin key of OpenAI: with it, `ultra keys` makes and deletes keys. It goes where the
        /// base URL of the OpenAI API points to.
        "OPENAI_ADMIN_KEY": Option<SecretRef> { vault: Some("openai-admin"), consumer: Consumer::Cli, internal: true, operator: true },
        /// The project of OpenAI in which keys are made; without it they are pasted.
        "OPENAI_PROJECT_ID": Option<String> { consumer: Consumer::Cli, example: Some("proj_abc123") },
        /// Admin key of Anthropic: with it, `ultra keys` disables keys. It goes where the base URL
        /// of the Anthropic API points to.
        "ANTHROPIC_ADMIN_KEY": Option<SecretRef> { vault: Some("anthropic-admin"), consumer: Consumer::Cli, internal: true, operator: true },
    }
}

impl ProviderSettings {
    /// The addresses that variables give, by provider.
    pub(crate) fn addresses(&self) -> [(&'static str, &Option<Url>); 6] {
        [
            ("openai", &self.openai_url),
            ("anthropic", &self.anthropic_url),
            ("google", &self.google_url),
            ("cohere", &self.cohere_url),
            ("ollama", &self.ollama_url),
            ("azure", &self.azure_url),
        ]
    }
}

/// A provider that needs no declaration: its key's variable defines it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownProvider {
    /// Its name, which is also its key's name in the vault.
    pub(crate) name: &'static str,
    /// Its wire protocol.
    pub(crate) kind: ProviderKind,
    /// The variable of its key.
    pub(crate) key: &'static str,
    /// The variable of its base URL, if it has one.
    pub(crate) url: Option<&'static str>,
    /// Its base URL otherwise; empty if it has none that all share.
    pub(crate) base_url: &'static str,
    /// Models that are listed and routed without a declaration.
    pub(crate) models: &'static [&'static str],
    /// What its keys begin with, one of these, to tell a key of another provider. Empty where the
    /// provider does not say.
    pub(crate) key_prefixes: &'static [&'static str],
    /// Whether it answers without a key at an address of one's own.
    pub(crate) keyless: bool,
    /// The key that makes, disables and deletes its keys, if its API has such.
    pub(crate) admin: Option<AdminKey>,
}

/// The key of an admin API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdminKey {
    /// Its variable.
    pub(crate) key: &'static str,
    /// What it begins with.
    pub(crate) prefix: &'static str,
    /// The variable of the project in which keys are made, if its API has projects.
    pub(crate) project: Option<&'static str>,
}

impl KnownProvider {
    /// The variables of its keys: of the one for requests, and of the one for its admin API.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.admin.map(|admin| admin.key))
    }
}

/// The providers that need no declaration.
pub(crate) const KNOWN: &[KnownProvider] = &[
    KnownProvider {
        name: "openai",
        kind: ProviderKind::OpenAi,
        key: "OPENAI_API_KEY",
        url: Some("OPENAI_BASE_URL"),
        base_url: "https://api.openai.com/v1",
        models: &["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"],
        key_prefixes: &["sk-"],
        keyless: false,
        admin: Some(AdminKey {
            key: "OPENAI_ADMIN_KEY",
            prefix: "sk-admin-",
            project: Some("OPENAI_PROJECT_ID"),
        }),
    },
    KnownProvider {
        name: "anthropic",
        kind: ProviderKind::Anthropic,
        key: "ANTHROPIC_API_KEY",
        url: Some("ANTHROPIC_BASE_URL"),
        base_url: "https://api.anthropic.com",
        models: &["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5"],
        key_prefixes: &["sk-ant-"],
        keyless: false,
        admin: Some(AdminKey { key: "ANTHROPIC_ADMIN_KEY", prefix: "sk-ant-admin", project: None }),
    },
    KnownProvider {
        name: "google",
        kind: ProviderKind::Google,
        key: "GOOGLE_API_KEY",
        url: Some("GOOGLE_GEMINI_BASE_URL"),
        base_url: "https://generativelanguage.googleapis.com",
        models: &["gemini-2.5-pro", "gemini-2.5-flash"],
        key_prefixes: &["AIza", "AQ."],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "mistral",
        kind: ProviderKind::OpenAi,
        key: "MISTRAL_API_KEY",
        url: None,
        base_url: "https://api.mistral.ai/v1",
        models: &["mistral-large-latest", "mistral-small-latest"],
        key_prefixes: &[],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "deepseek",
        kind: ProviderKind::OpenAi,
        key: "DEEPSEEK_API_KEY",
        url: None,
        base_url: "https://api.deepseek.com/v1",
        models: &["deepseek-chat", "deepseek-reasoner"],
        key_prefixes: &["sk-"],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "groq",
        kind: ProviderKind::OpenAi,
        key: "GROQ_API_KEY",
        url: None,
        base_url: "https://api.groq.com/openai/v1",
        models: &["llama-3.3-70b-versatile"],
        key_prefixes: &["gsk_"],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "together",
        kind: ProviderKind::OpenAi,
        key: "TOGETHER_API_KEY",
        url: None,
        base_url: "https://api.together.xyz/v1",
        models: &[],
        key_prefixes: &[],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "openrouter",
        kind: ProviderKind::OpenAi,
        key: "OPENROUTER_API_KEY",
        url: None,
        base_url: "https://openrouter.ai/api/v1",
        models: &[],
        key_prefixes: &["sk-or-"],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "xai",
        kind: ProviderKind::OpenAi,
        key: "XAI_API_KEY",
        url: None,
        base_url: "https://api.x.ai/v1",
        models: &[],
        key_prefixes: &["xai-"],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "cohere",
        kind: ProviderKind::Cohere,
        key: "COHERE_API_KEY",
        url: Some("COHERE_BASE_URL"),
        base_url: "https://api.cohere.com",
        models: &[],
        key_prefixes: &[],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "azure",
        kind: ProviderKind::Azure,
        key: "AZURE_OPENAI_API_KEY",
        url: Some("AZURE_OPENAI_ENDPOINT"),
        base_url: "",
        models: &[],
        key_prefixes: &[],
        keyless: false,
        admin: None,
    },
    KnownProvider {
        name: "ollama",
        kind: ProviderKind::Ollama,
        key: "OLLAMA_API_KEY",
        url: Some("OLLAMA_BASE_URL"),
        base_url: "https://ollama.com",
        models: &[],
        key_prefixes: &[],
        keyless: true,
        admin: None,
    },
];
