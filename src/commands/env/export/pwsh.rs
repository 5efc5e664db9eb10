//! Code for PowerShell 7: `ultra env export --shell pwsh | Out-String | Invoke-Expression`.

use super::{Line, Value};

/// Takes the last export back.
pub(super) const UNDO: &str = "if (Test-Path Function:__ultra_undo) { __ultra_undo } \
    else { [Console]::Error.WriteLine('ultra: this shell has no export to undo') }\n";

/// Adds the code.
pub(super) fn export(out: &mut String, lines: &[Line<'_>]) {
    out.push_str("if (Test-Path Function:__ultra_undo) { __ultra_undo }\n");
    for Line { name, value, .. } in lines {
        let value = match value {
            Value::Text(text) => quote(text),
            Value::File(path) => format!(
                "((Get-Content -Raw -LiteralPath {}) -replace '\\r?\\n\\z', '')",
                quote(path)
            ),
            Value::Variable(other) => format!("$env:{other}"),
        };
        out.push_str(&format!(
            "$global:__ultra_old_{name} = $env:{name}\n\
             $env:{name} = {value}\n\
             $global:__ultra_new_{name} = $env:{name}\n"
        ));
    }
    out.push_str("function global:__ultra_undo {\n");
    for Line { name, .. } in lines {
        out.push_str(&format!(
            "if ($env:{name} -ceq $global:__ultra_new_{name}) {{ \
             if ($null -eq $global:__ultra_old_{name}) {{ Remove-Item Env:{name} }} \
             else {{ $env:{name} = $global:__ultra_old_{name} }} }}\n\
             Remove-Variable -Scope Global __ultra_old_{name}, __ultra_new_{name}\n"
        ));
    }
    out.push_str("Remove-Item Function:__ultra_undo\n}\n");
}

/// `text` in single quotes, in which a quote is doubled; typographic ones count as quotes too.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
    out
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
            proptest::prop_assert_eq!(read(&quote(&text)), Some(text));
        }
    }
}
