//! Code for PowerShell 7: `ultra env export --shell pwsh | Out-String | Invoke-Expression`.
//!
//! Names of environment variables differ by case, names of PowerShell's variables do not: a number
//! in what is kept tells `http_proxy` and `HTTP_PROXY` apart.

use super::{Line, Value};

/// Takes the last export back.
pub(super) const UNDO: &str = "if (Test-Path Function:__ultra_undo) { __ultra_undo } \
    else { [Console]::Error.WriteLine('ultra: this shell has no export to undo') }\n";

/// Adds the code.
pub(super) fn export(out: &mut String, lines: &[Line<'_>]) {
    out.push_str("if (Test-Path Function:__ultra_undo) { __ultra_undo }\n");
    for (n, Line { name, value, .. }) in lines.iter().enumerate() {
        let value = match value {
            Value::Text(text) => quote(text),
            Value::File(path) => format!(
                "((Get-Content -Raw -LiteralPath {}) -replace '\\r?\\n\\z', '')",
                quote(path)
            ),
            Value::Variable(other) => format!("$env:{other}"),
        };
        out.push_str(&format!(
            "$global:__ultra_old_{n}_{name} = $env:{name}\n\
             $env:{name} = {value}\n\
             $global:__ultra_new_{n}_{name} = $env:{name}\n"
        ));
    }
    out.push_str("function global:__ultra_undo {\n");
    for (n, Line { name, .. }) in lines.iter().enumerate() {
        out.push_str(&format!(
            "if ($env:{name} -ceq $global:__ultra_new_{n}_{name}) {{ \
             if ($null -eq $global:__ultra_old_{n}_{name}) {{ Remove-Item Env:{name} }} \
             else {{ $env:{name} = $global:__ultra_old_{n}_{name} }} }}\n\
             Remove-Variable -Scope Global __ultra_old_{n}_{name}, __ultra_new_{n}_{name}\n"
        ));
    }
    out.push_str("Remove-Item Function:__ultra_undo\n}\n");
}

/// `text` in single quotes, in which a quote is doubled; typographic ones count as quotes too.
/// PowerShell reads a program's output line by line and takes carriage returns for line ends, so
/// these are written as characters of their own.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        if c == '\r' {
            out.push_str("' + [char]13 + '");
            continue;
        }
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    if text.contains('\r') { format!("({out})") } else { out }
}

#[cfg(test)]
mod tests {
    use super::quote;

    /// Reads a text in single quotes by the rule of PowerShell's grammar
    /// (`verbatim-string-literal`): two quotes of any kind are the second of them.
    fn read(text: &str) -> Option<String> {
        let is_quote = |c: &char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
        let mut chars = text.chars().peekable();
        let (mut out, _) = (String::new(), chars.next().filter(is_quote)?);
        while let Some(c) = chars.next() {
            if !is_quote(&c) {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some(second) if is_quote(&second) => out.push(second),
                None => return Some(out),
                Some(_) => return None,
            }
        }
        None
    }

    proptest::proptest! {
        #[test]
        fn quoted_texts_read_back(text in "[a-z'\u{2018}\u{2019}\u{201a}\u{201b}\"`$\n\r é😀(){}!-]{0,24}") {
            let quoted = quote(&text);
            proptest::prop_assert!(!quoted.contains('\r'));
            // The same with a character that stands for itself.
            let whole = quoted.trim_start_matches('(').trim_end_matches(')');
            let whole = whole.replace("' + [char]13 + '", "\u{d7}");
            proptest::prop_assert_eq!(read(&whole), Some(text.replace('\r', "\u{d7}")));
        }
    }
}
