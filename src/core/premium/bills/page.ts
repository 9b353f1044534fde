const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A text as HTML shows it, within an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

/**
 * Ink and edges only: a page of A4 or of Letter, in colour or in grey. Printed, a footer is a row as others,
 * since browsers repeat footers on every sheet, and a total in the midst of its lines would be a wrong one.
 */
const STYLE = `
:root { color-scheme: light; }
@page { margin: 16mm 18mm; }
body { font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; color: #1a1d21; background: #fff; max-width: 46rem; margin: 2rem auto; padding: 0 1.25rem; }
header { display: flex; justify-content: space-between; align-items: flex-end; gap: 2rem; border-bottom: 2px solid #1a1d21; padding-bottom: .9rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .35rem; }
h2 { font-size: 1.1rem; margin: 1.7rem 0 .4rem; break-after: avoid; }
p { margin: .35rem 0; }
header p { margin: 0; }
.due { text-align: right; white-space: nowrap; }
.due strong { display: block; font-size: 1.75rem; line-height: 1.2; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: #4a5058; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .28rem .5rem .28rem 0; border-bottom: 1px solid #d5d9de; }
thead th { font-weight: 600; color: #4a5058; border-bottom-color: #1a1d21; }
tbody th { font-weight: 400; }
tbody th[scope=rowgroup], tbody th[scope=rowgroup] ~ td { font-weight: 600; padding-top: .8rem; break-after: avoid; }
tr { break-inside: avoid; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; padding-right: 0; padding-left: .8rem; }
tfoot th, tfoot td { font-weight: 700; border-top: 2px solid #1a1d21; border-bottom: 0; font-size: 1.05rem; }
.how { color: #4a5058; }
ul { margin: .35rem 0; padding-left: 1.2rem; }
.small { font-size: .8rem; color: #4a5058; }
.ids { columns: 7rem; list-style: none; padding: 0; overflow-wrap: anywhere; }
dl { margin: .35rem 0; display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 34rem) { header, dl { display: block; } .due { text-align: left; margin-top: .8rem; } }
@media print { body { font-size: 10.5pt; max-width: none; margin: 0; padding: 0; } tfoot { display: table-row-group; } tfoot tr { break-before: avoid; } .small { font-size: 7.5pt; } }
`;

/**
 * A whole page around a body of HTML: it asks for nothing over the network, and forbids it too, so that it
 * is the same in ten years.
 *
 * @param title plain text
 * @param body HTML, already escaped
 */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
