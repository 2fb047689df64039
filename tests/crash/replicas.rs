//! `replicas`: the clients of `history`, spread over three servers on one database: what they were
//! answered must fit one order of the writes all the same.

use anyhow::Result;

use crate::Run;
use crate::database::Field;
use crate::figures::Figures;
use crate::history;

const SERVERS: usize = 3;
const CLIENTS_OF_EACH: usize = 8;

pub(crate) async fn run(run: &Run, seconds: u64) -> Result<Figures> {
    let field = Field::new(run).await?;
    let (mut servers, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..SERVERS {
        let server = field.launch.start().await?;
        clients.extend(vec![field.client(&server)?; CLIENTS_OF_EACH]);
        servers.push(server);
    }
    history::play(&clients, seconds, run.seed).await?;
    for mut server in servers {
        server.kill().await?;
    }
    let quiet = field.is_quiet().await?;
    let mut figures = history::judge(&field.lines()?, &field.contents().await?)?;
    figures.slowest("until no transaction is open", quiet);
    Ok(figures)
}
