//! The operations that are measured, and what wrk's script does in each.

use anyhow::{Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// A customer by its id, any one.
    Get,
    /// The first 20 customers.
    List,
    /// 20 customers behind any one.
    NextPage,
    /// The number of customers.
    Count,
    /// A new name under `If-Match` with the version that the last PATCH made.
    Patch,
    /// Four gets to a create.
    Mixed,
    /// A new customer.
    Create,
    /// A customer, under `If-Match`.
    Delete,
    /// One of the customers that the lists below are asked for, by its id.
    #[value(skip)]
    ById,
    /// The first 10 customers.
    #[value(skip)]
    FirstTen,
    /// The first 100 customers.
    #[value(skip)]
    FirstHundred,
    /// 10 customers behind nine tenths of all.
    #[value(skip)]
    DeepPage,
    /// The few whose name begins so.
    #[value(skip)]
    Prefix,
    #[value(skip)]
    ByNumber,
    #[value(skip)]
    ByEmail,
    /// `$search` of a word that hardly another customer has.
    #[value(skip)]
    RareWord,
}

impl Operation {
    /// Whether customers that exist are named, whose versions must be those of now.
    pub(crate) fn needs_versions(self) -> bool {
        matches!(self, Self::Patch | Self::Delete)
    }

    /// Whether it asks for addresses that [`crate::lists`] wrote.
    pub(crate) fn is_look_up(self) -> bool {
        self != Self::Count && crate::lists::KINDS.contains(&self)
    }

    /// The function `request` of wrk's script.
    pub(crate) fn lua(self, dialect: &Dialect, host: &str) -> String {
        let request = dialect.request(self).lua(host);
        let create = dialect.create().lua(host);
        let body = match self {
            Self::List | Self::Count | Self::Create => format!("return {request}"),
            Self::Patch => format!(
                "local customer = turn()\n local id, version, tag = customer.id, customer.version, \
                 customer.tag\n customer.version = version + 1\n return {request}"
            ),
            Self::Delete => format!(
                "local customer = take()\n local id, version, tag = customer.id, customer.version, \
                 customer.tag\n return {request}"
            ),
            Self::Mixed => format!(
                "if math.random(5) == 1 then return {create} end\n \
                 local id = pick().id\n return {request}"
            ),
            _ => format!("local id = pick().id\n return {request}"),
        };
        format!("function request()\n {body}\nend\n")
    }
}

impl Operation {
    /// Compares the rows before and after with what was acknowledged; requests that were under way
    /// when the time was over may or may not have been done, one for each client.
    pub(crate) fn check(self, answers: u64, clients: usize, before: u64, after: u64) -> Result<()> {
        let expected = match self {
            Self::Create => before + answers..=before + answers + clients as u64,
            Self::Delete => {
                (before - answers).saturating_sub(clients as u64)..=before.saturating_sub(answers)
            }
            Self::Mixed => before + answers / 7..=before + answers / 3,
            _ => before..=before,
        };
        let held = expected.contains(&after) || answers < 1000 && self == Self::Mixed;
        ensure!(
            held,
            "{before} rows before, {after} after, {answers} answers"
        );
        Ok(())
    }
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list of 20",
            Self::NextPage => "next page",
            Self::Count => "$count",
            Self::Patch => "patch",
            Self::Mixed => "80/20",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::ById => "get by id",
            Self::FirstTen => "first page of 10",
            Self::FirstHundred => "first page of 100",
            Self::DeepPage => "page at 9/10",
            Self::Prefix => "displayName prefix",
            Self::ByNumber => "number",
            Self::ByEmail => "email",
            Self::RareWord => "$search, rare word",
        }
    }
}
