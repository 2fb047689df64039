//! The plots: throughput by clients, latency in the open loop, cost by size of the company.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::lists::KINDS;
use crate::operation::Operation::{self, Count, Create, Delete, Get, List, Mixed, NextPage, Patch};
use crate::results::{Results, Sample};
use crate::server::{LIMITS, OURS};
use crate::summary::Spread;

const INK: RGBColor = RGBColor(36, 41, 47);
const FAINT: RGBColor = RGBColor(110, 118, 129);
const GRID: RGBColor = RGBColor(225, 228, 232);
const FONT: &str = "Helvetica, Arial, sans-serif";
/// Labels of neighbouring lines are at least so far apart.
const LABEL_HEIGHT: i32 = 15;
/// Diagrams of throughput beside each other, and the height of a row of them.
const COLUMNS: usize = 3;
const ROW_HEIGHT: u32 = 360;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A line and what it is called at its end.
struct Line {
    label: String,
    color: RGBColor,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// The points as they are drawn.
    fn logarithms(&self) -> impl Iterator<Item = (f64, f64)> {
        self.points.iter().map(|(x, y)| (*x, y.log10()))
    }
}

/// A diagram of lines, its vertical axis logarithmic.
struct Diagram {
    title: String,
    x: Axis,
    y_unit: &'static str,
    lines: Vec<Line>,
}

/// The horizontal axis, in steps of one.
struct Axis {
    title: &'static str,
    last: f64,
    label: fn(f64) -> String,
}

/// Draws all plots into the folder.
pub(crate) fn draw(results: &Results, folder: &Path) -> Result<()> {
    let throughput = throughput(results);
    let measured = throughput
        .iter()
        .filter(|diagram| !diagram.lines.is_empty());
    let rows = measured.count().div_ceil(COLUMNS).max(1);
    sheet(
        &folder.join("throughput.svg"),
        (1180, ROW_HEIGHT * rows as u32),
        (rows, COLUMNS),
        &throughput,
    )?;
    sheet(
        &folder.join("latency.svg"),
        (720, 440),
        (1, 1),
        &[latency(results)],
    )?;
    sheet(
        &folder.join("growth.svg"),
        (720, 440),
        (1, 1),
        &[growth(results)],
    )?;
    if results.lists.is_empty() {
        return Ok(());
    }
    sheet(
        &folder.join("lists.svg"),
        (720, 440),
        (1, 1),
        &[lists(results)],
    )
}

fn throughput(results: &Results) -> Vec<Diagram> {
    let diagram = |operation: Operation| {
        let servers = results
            .admissions
            .iter()
            .map(|admission| admission.server.as_str());
        let line = |server: &str| {
            let cells = results
                .cells()
                .into_iter()
                .filter(|(own, _)| *own == operation);
            let points = cells.filter_map(|(_, clients)| {
                let rate = results.spread((server, operation, clients), |sample| sample.rate)?;
                Some(((clients as f64).log(4.0), rate.median))
            });
            line(server, points.collect())
        };
        Diagram {
            title: operation.name().to_owned(),
            x: Axis {
                title: "clients",
                last: 4.0,
                label: |power| format!("{:.0}", 4_f64.powf(power)),
            },
            y_unit: "requests/s",
            lines: servers.chain([LIMITS]).filter_map(line).collect(),
        }
    };
    [Get, List, Create, Patch, Mixed, Delete]
        .map(diagram)
        .into()
}

fn latency(results: &Results) -> Diagram {
    let lines = results.latency.iter().filter_map(|latency| {
        let points = latency.points.iter().map(|(quantile, time)| {
            let nines = -(1.0 - quantile).log10();
            (nines, (*time as f64 / 1000.0).max(0.01))
        });
        let mut line = line(&latency.server, points.collect())?;
        line.label = format!("{}, {:.0}/s", line.label, latency.rate);
        Some(line)
    });
    Diagram {
        title: "Creates in an open loop, at half of each server's capacity".to_owned(),
        x: Axis {
            title: "share of requests that are answered sooner",
            last: 5.0,
            label: |nines| match nines.round() {
                0.0 => "0".to_owned(),
                nines => format!(
                    "{:.*} %",
                    (nines as usize).saturating_sub(2),
                    100.0 - 100.0 / 10_f64.powf(nines)
                ),
            },
        },
        y_unit: "ms",
        lines: lines.collect(),
    }
}

fn growth(results: &Results) -> Diagram {
    by_size(
        "Cost of a request by the size of the company, 64 clients",
        &[Get, List, NextPage, Count, Create],
        results,
        |operation, size| Some(1e6 / results.at_size(operation, size)?.median),
    )
}

fn lists(results: &Results) -> Diagram {
    by_size(
        "Median time of lists by the size of the company, one client",
        &KINDS,
        results,
        |operation, size| {
            let time = results.of_lists((operation, 1, size), Sample::cost)?;
            Some(time.median)
        },
    )
}

fn by_size(
    title: &str,
    operations: &[Operation],
    results: &Results,
    cost: impl Fn(Operation, u64) -> Option<f64>,
) -> Diagram {
    let colors = operations.iter().zip(COLORS);
    let lines = colors.filter_map(|(&operation, (_, _, color))| {
        let points = results.settings.sizes.iter().filter_map(|&size| {
            let x = (size as f64 / 10_000.0).log10();
            Some((x, cost(operation, size)?))
        });
        let points: Vec<_> = points.collect();
        let label = operation.name().to_owned();
        (!points.is_empty()).then_some(Line {
            label,
            color,
            points,
        })
    });
    Diagram {
        title: title.to_owned(),
        x: Axis {
            title: "customers in the company",
            last: 2.0,
            label: |power| short((1e4 * 10_f64.powf(power)).round()),
        },
        y_unit: "µs",
        lines: lines.collect(),
    }
}

/// Servers, what their lines are called, and their colours: ours stands out.
const COLORS: [(&str, &str, RGBColor); 9] = [
    (OURS, "Debitor", RGBColor(9, 105, 218)),
    ("bun", "Bun", RGBColor(191, 57, 137)),
    ("sqlx", "axum + sqlx", RGBColor(188, 76, 0)),
    ("fastify", "Fastify", RGBColor(26, 127, 55)),
    ("fastapi", "FastAPI", RGBColor(130, 80, 223)),
    ("pocketbase", "PocketBase (relaxed)", RGBColor(154, 103, 0)),
    ("debitor-before", "Debitor before", RGBColor(84, 174, 255)),
    (LIMITS, "limit", RGBColor(140, 149, 159)),
    ("sqlx-postgres", "axum + sqlx", RGBColor(188, 76, 0)),
];

fn line(server: &str, points: Vec<(f64, f64)>) -> Option<Line> {
    let (_, label, color) = COLORS.into_iter().find(|(name, ..)| *name == server)?;
    (!points.is_empty()).then(|| Line {
        label: label.to_owned(),
        color,
        points,
    })
}

/// Diagrams in rows and columns on one light card.
fn sheet(
    path: &Path,
    size: (u32, u32),
    (rows, columns): (usize, usize),
    diagrams: &[Diagram],
) -> Result<()> {
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE).map_err(drawing)?;
    let areas = root.margin(8, 8, 8, 8).split_evenly((rows, columns));
    let measured = diagrams.iter().filter(|diagram| !diagram.lines.is_empty());
    for (area, diagram) in areas.iter().zip(measured) {
        diagram.draw(&root, area)?;
    }
    root.present().map_err(drawing)
}

impl Diagram {
    fn draw(&self, root: &Area<'_>, area: &Area<'_>) -> Result<()> {
        let values = self
            .lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|(_, value)| *value);
        let range = Spread::of(values).ok_or_else(|| anyhow!("no points"))?;
        let (low, high) = (range.min / 1.5, range.max * 1.5);
        let heading = format!("{}, {}", self.title, self.y_unit);
        area.draw(&Text::new(heading, (14, 8), style(16, INK)))
            .map_err(drawing)?;
        let mut chart = ChartBuilder::on(area)
            .margin_top(34)
            .margin_right(128)
            .x_label_area_size(44)
            .y_label_area_size(52)
            .build_cartesian_2d(0.0..self.x.last, low.log10()..high.log10())
            .map_err(drawing)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(FAINT)
            .label_style(style(12, FAINT))
            .x_desc(self.x.title)
            .x_labels(self.x.last as usize + 1)
            .x_label_formatter(&|value| (self.x.label)(*value))
            .y_labels(0)
            .draw()
            .map_err(drawing)?;
        for tick in ticks(low, high) {
            let ends = [0.0, self.x.last].map(|x| (x, tick.log10()));
            chart
                .draw_series(LineSeries::new(ends, GRID))
                .map_err(drawing)?;
            let (x, y) = chart.backend_coord(&ends[0]);
            let text = style(12, FAINT).pos(Pos::new(HPos::Right, VPos::Center));
            root.draw(&Text::new(short(tick), (x - 8, y), text))
                .map_err(drawing)?;
        }
        let mut ends = Vec::new();
        // Ours is first among the lines and lies on top.
        for line in self.lines.iter().rev() {
            let width = if line.label.starts_with("Debitor") {
                3
            } else {
                2
            };
            let series = LineSeries::new(line.logarithms(), line.color.stroke_width(width));
            chart.draw_series(series).map_err(drawing)?;
            if line.points.len() < 10 {
                let dots = line
                    .logarithms()
                    .map(|point| Circle::new(point, 3, line.color.filled()));
                chart.draw_series(dots).map_err(drawing)?;
            }
            if let Some(last) = line.logarithms().last() {
                ends.push((chart.backend_coord(&last), line));
            }
        }
        let heights = apart(ends.iter().map(|((_, height), _)| *height).collect());
        for (((x, _), line), y) in ends.iter().zip(heights) {
            let anchor = Pos::new(HPos::Left, VPos::Center);
            let text = style(13, line.color).pos(anchor);
            root.draw(&Text::new(line.label.clone(), (x + 8, y), text))
                .map_err(drawing)?;
        }
        Ok(())
    }
}

fn style(size: i32, color: RGBColor) -> TextStyle<'static> {
    let mut style = TextStyle::from((FONT, size).into_font());
    style.color = color.to_backend_color();
    style
}

/// Round figures between these: in each decade 1, 2 and 5, or only 1 if there are many decades.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let leading: &[f64] = if high / low > 500.0 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let all =
        decades.flat_map(|decade| leading.iter().map(move |first| first * 10_f64.powi(decade)));
    all.filter(|tick| (low..=high).contains(tick)).collect()
}

/// The heights of labels, moved down where they would cover each other.
fn apart(heights: Vec<i32>) -> Vec<i32> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by_key(|index| heights[*index]);
    let mut moved = heights;
    for pair in 1..order.len() {
        let above = moved[order[pair - 1]];
        moved[order[pair]] = moved[order[pair]].max(above + LABEL_HEIGHT);
    }
    moved
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e3 => format!("{}k", value / 1e3),
        value => format!("{value}"),
    }
}

fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("a plot cannot be drawn: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_cover_each_other() {
        assert_eq!(apart(vec![100, 300, 102, 101]), [100, 300, 130, 115]);
    }

    #[test]
    fn ticks_are_round() {
        let shown = |low, high| ticks(low, high).into_iter().map(short).collect::<Vec<_>>();
        assert_eq!(shown(300.0, 6000.0), ["500", "1k", "2k", "5k"]);
        assert_eq!(shown(30.0, 60_000.0), ["100", "1k", "10k"]);
    }

    #[test]
    fn large_figures_are_short() {
        assert_eq!([200.0, 5_000.0, 2e6].map(short), ["200", "5k", "2M"]);
    }
}
