//! PURE: secrets in the words of a command, as far as their form tells: the password of an address,
//! and values of what is called a password, a token or the like.

use super::lint::names_secret;

/// The secrets that can be recognized in a command. A word may be a whole script.
pub fn secrets_in_command(words: &[String]) -> Vec<String> {
    let parts: Vec<&str> = words
        .iter()
        .flat_map(|word| word.split(char::is_whitespace))
        .filter(|part| !part.is_empty())
        .collect();
    let mut found: Vec<String> = parts
        .iter()
        .copied()
        .filter_map(password_in_address)
        .collect();
    for (index, part) in parts.iter().enumerate() {
        let value = match part.split_once('=') {
            Some((name, value)) if names_secret_option(name) => Some(value),
            None if part.starts_with("--") && names_secret_option(part) => {
                parts.get(index + 1).copied()
            }
            Some(_) | None => None,
        };
        found.extend(value.and_then(plain_value));
    }
    found
}

/// `--db-password`, `PGPASSWORD`, `sslpassword`.
fn names_secret_option(name: &str) -> bool {
    let name = name.trim_start_matches(['-', '"', '\'', '$']);
    names_secret(&name.replace('-', "_"))
}

/// A value that is written there; not another option, nor a variable, nor the rest of an address.
fn plain_value(value: &str) -> Option<String> {
    let value = value.trim_matches(['"', '\'', ';', ',']);
    let is_elsewhere = value.starts_with(['-', '$', '`', '@']) || value.contains("://");
    (!value.is_empty() && !is_elsewhere).then(|| value.to_owned())
}

/// The password of `scheme://user:password@host`, which may itself contain `@`.
fn password_in_address(word: &str) -> Option<String> {
    let (_, rest) = word.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password may have a `/` in it that nobody has encoded.
    let (user, _) = authority
        .rsplit_once('@')
        .or_else(|| rest.rsplit_once('@'))?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty() && !password.starts_with('$')).then(|| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::command::split_words;

    #[test]
    fn passwords_in_addresses_options_and_variables_are_found() {
        let table: &[(&str, &[&str])] = &[
            ("alembic upgrade head", &[]),
            (
                "migrate -database postgres://app:hunter2@db:5432/app up",
                &["hunter2"],
            ),
            (
                "migrate -database postgres://app:p/w@x@db/app up",
                &["p/w@x"],
            ),
            ("migrate -database postgres://app@db/app up", &[]),
            ("flyway -password=hunter2 migrate", &["hunter2"]),
            ("tool --db-password hunter2 --verbose up", &["hunter2"]),
            ("tool --password --verbose", &[]),
            (
                "sh -c 'PGPASSWORD=\"hunter2\" psql -f up.sql'",
                &["hunter2"],
            ),
            ("sh -c 'PGPASSWORD=$PASSWORD psql -f up.sql'", &[]),
            ("tool --url postgres://app:$PASSWORD@db/app", &[]),
            (
                "tool --password-file /run/secret --secret-arn arn:aws:x",
                &[],
            ),
            (
                "psql host=db password=hunter2 token=abc",
                &["hunter2", "abc"],
            ),
        ];
        for (command, expected) in table {
            let words = split_words(command).unwrap();
            assert_eq!(secrets_in_command(&words), *expected, "{command}");
        }
    }
}
