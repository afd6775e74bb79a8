//! Items out of PostgreSQL. Which columns are read is this version's choice: one that knows a column
//! does not work with a schema that lacks it, and one that does not know it works with both.

use hyper::StatusCode;
use serde_json::{Value, json};
use tokio_postgres::{Error, NoTls};

use crate::answer::{self, Answer};
use crate::journal;

/// Where the items are.
#[derive(Debug, Clone)]
pub(crate) struct Items {
    url: String,
    query: String,
}

impl Items {
    /// Reads these columns, which are names separated by commas.
    pub(crate) fn new(url: String, columns: &str) -> Result<Self, String> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        if !columns.split(',').all(is_name) {
            return Err(format!("APP_ITEM_COLUMNS: {columns:?} is no list of names"));
        }
        let query = format!(
            "SELECT row_to_json(item)::text FROM (SELECT {columns} FROM items ORDER BY id) item"
        );
        Ok(Self { url, query })
    }

    /// All of them.
    pub(crate) async fn list(&self) -> Answer {
        match self.read().await {
            Ok(items) => answer::json(StatusCode::OK, &json!({ "items": items })),
            Err(error) => {
                journal::error("the items cannot be read", &error.to_string());
                let problem = json!({ "error": "the items cannot be read" });
                answer::json(StatusCode::INTERNAL_SERVER_ERROR, &problem)
            }
        }
    }

    async fn read(&self) -> Result<Vec<Value>, Error> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        let connected = tokio::spawn(connection);
        let rows = client.query(&self.query, &[]).await;
        drop(client);
        // It ends once the server has been told; what it says then concerns nobody.
        let _ = connected.await;
        let parse = |row: &tokio_postgres::Row| {
            serde_json::from_str(&row.get::<_, String>(0)).unwrap_or_default()
        };
        Ok(rows?.iter().map(parse).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_names_and_nothing_else() {
        let new = |columns: &str| Items::new("postgresql://db".to_owned(), columns);
        assert!(new("id,name").is_ok());
        for columns in ["", "id,", "id; drop table items", "Id"] {
            assert!(new(columns).is_err(), "{columns}");
        }
    }
}
