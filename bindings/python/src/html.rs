//! Tables for notebooks.

use std::borrow::Cow;

/// A line, and a table below it.
pub(crate) fn table<'a, const COLUMNS: usize>(
    line: &str,
    rows: impl Iterator<Item = [Cow<'a, str>; COLUMNS]>,
) -> String {
    let mut html = format!("<p>{}</p><table>", escaped(line));
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            html.extend(["<td>", &escaped(&cell), "</td>"]);
        }
        html.push_str("</tr>");
    }
    html + "</table>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
