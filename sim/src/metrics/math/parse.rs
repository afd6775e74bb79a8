//! Tokens as a tree: `||` binds weakest, then `&&`, comparisons, sums, products, powers, signs.
//! Pure.

use super::MathError;
use super::token::Token;

/// A tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Number(f64),
    Id(String),
    Array(Vec<Self>),
    Call(String, Vec<Self>),
    Negative(Box<Self>),
    Binary(&'static str, Box<Self>, Box<Self>),
}

impl Node {
    /// The ids below.
    pub(super) fn ids(&self) -> Vec<&str> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Id(id) => vec![id],
            Self::Array(nodes) | Self::Call(_, nodes) => nodes.iter().flat_map(Self::ids).collect(),
            Self::Negative(node) => node.ids(),
            Self::Binary(_, left, right) => left.ids().into_iter().chain(right.ids()).collect(),
        }
    }
}

/// The operators by level, the weakest first.
const LEVELS: [&[&str]; 6] = [
    &["||", "OR"],
    &["&&", "AND"],
    &["<=", ">=", "==", "!=", "<", ">"],
    &["+", "-"],
    &["*", "/"],
    &["^"],
];

/// The tree of all tokens.
pub(super) fn parse(tokens: &[Token]) -> Result<Node, MathError> {
    let mut reader = Reader { tokens, at: 0 };
    let root = reader.parse_level(0)?;
    match reader.peek() {
        None => Ok(root),
        Some(_) => Err(reader.unexpected_token()),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn unexpected_token(&self) -> MathError {
        MathError::Unexpected(match self.peek() {
            None => "end".to_owned(),
            Some(Token::Number(number)) => number.to_string(),
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Operator(operator)) => (*operator).to_owned(),
        })
    }

    /// Takes one of these operators, if it is next.
    fn accept(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let taken = match self.peek()? {
            Token::Operator(operator) => operators.iter().find(|known| *known == operator),
            Token::Word(word) => operators.iter().find(|known| *known == word),
            Token::Number(_) => None,
        };
        self.at += usize::from(taken.is_some());
        taken.copied()
    }

    fn parse_level(&mut self, level: usize) -> Result<Node, MathError> {
        let Some(operators) = LEVELS.get(level) else {
            return self.parse_sign();
        };
        let mut left = self.parse_level(level + 1)?;
        while let Some(operator) = self.accept(operators) {
            left = Node::Binary(
                operator,
                Box::new(left),
                Box::new(self.parse_level(level + 1)?),
            );
        }
        Ok(left)
    }

    fn parse_sign(&mut self) -> Result<Node, MathError> {
        if self.accept(&["-"]).is_some() {
            return Ok(Node::Negative(Box::new(self.parse_sign()?)));
        }
        self.parse_atom()
    }

    fn parse_atom(&mut self) -> Result<Node, MathError> {
        if self.accept(&["("]).is_some() {
            let inner = self.parse_level(0)?;
            return self
                .accept(&[")"])
                .map(|_| inner)
                .ok_or_else(|| self.unexpected_token());
        }
        if self.accept(&["["]).is_some() {
            return self.parse_list("]").map(Node::Array);
        }
        let node = match self.peek().cloned() {
            Some(Token::Number(number)) => Node::Number(number),
            Some(Token::Word(word)) => Node::Id(word),
            Some(Token::Operator(_)) | None => return Err(self.unexpected_token()),
        };
        self.at += 1;
        match node {
            Node::Id(name) if self.accept(&["("]).is_some() => self
                .parse_list(")")
                .map(|arguments| Node::Call(name, arguments)),
            other => Ok(other),
        }
    }

    /// What is between commas, to the closing bracket.
    fn parse_list(&mut self, close: &'static str) -> Result<Vec<Node>, MathError> {
        let mut nodes = Vec::new();
        if self.accept(&[close]).is_some() {
            return Ok(nodes);
        }
        loop {
            nodes.push(self.parse_level(0)?);
            if self.accept(&[close]).is_some() {
                return Ok(nodes);
            }
            self.accept(&[","]).ok_or_else(|| self.unexpected_token())?;
        }
    }
}
