//! Texts that people read; they contain no secret from the time they are built.
//!
//! Whatever becomes a [`Text`] is searched for every secret that is known then, and for none
//! afterwards: nothing that is shown, stored or sent has to be searched again. That is enough,
//! because a secret is registered before anything can repeat it: those of the inputs and of the
//! environment before the first request, those from AWS, or read during the run, before they are
//! first used. A text that was built earlier cannot contain the secret.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::scrub::{mask, mask_tokens};

/// A text for people.
///
/// `From<String>` is for our own sentences: only secrets that look like tokens are masked, because
/// parts from outside were masked before. Text from outside is [`Text::from_outside`]: every secret
/// is masked.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Text(String);

impl Text {
    /// A text from AWS, a service or a person: every registered secret is masked, whatever it looks
    /// like.
    pub fn from_outside(message: &str) -> Self {
        Self(mask(message))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Text {
    fn from(sentence: String) -> Self {
        Self(mask_tokens(&sentence))
    }
}

impl From<&str> for Text {
    fn from(sentence: &str) -> Self {
        Self(mask_tokens(sentence))
    }
}

impl From<&String> for Text {
    fn from(sentence: &String) -> Self {
        Self(mask_tokens(sentence))
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(sentence: Cow<'_, str>) -> Self {
        Self(mask_tokens(&sentence))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::register;
    use crate::secret::Secret;

    #[test]
    fn a_text_has_no_secret_from_the_moment_it_is_built() {
        register(&Secret::new("ghs_Text0a1B2c3D4e5F6"));
        register(&Secret::new("violin concerto"));
        let ours = Text::from("the answer was ghs_Text0a1B2c3D4e5F6, of a violin concerto");
        assert_eq!(ours, "the answer was ***, of a violin concerto");
        let theirs = Text::from_outside("ghs_Text0a1B2c3D4e5F6: a violin concerto");
        assert_eq!(theirs, "***: a ***");
    }

    #[test]
    fn a_text_of_a_journal_is_built_like_any_other() {
        register(&Secret::new("ghs_Text6a7B8c9D0e1F2"));
        let read: Text = serde_json::from_str("\"it said ghs_Text6a7B8c9D0e1F2\"").unwrap();
        assert_eq!(read, "it said ***");
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"it said ***\"");
    }

    #[test]
    fn a_text_is_masked_whatever_it_is_made_of_and_reads_the_same_in_every_way() {
        register(&Secret::new("ghs_Text2f3A4b5C6d7E8"));
        let said = "it said ghs_Text2f3A4b5C6d7E8".to_owned();
        let made = [
            Text::from(&said),
            Text::from(Cow::Borrowed(said.as_str())),
            Text::from(said.clone()),
        ];
        for text in made {
            let (borrowed, shown): (&str, String) = (text.borrow(), text.to_string());
            let read = [text.as_str(), &*text, text.as_ref(), borrowed, &shown];
            assert_eq!(read, ["it said ***"; 5]);
            assert!(text == *"it said ***" && text != *"it said" && text != "it said");
            assert_eq!(String::from(text), "it said ***");
        }
    }
}
