/** The desk's look: the tokens of the client, at a higher density. */
export const style = `
:root { --paper: #fbfaf7; --surface: #fff; --ink: #14252b; --dim: #55676d; --line: #dfdcd3; --water: #0b7285; --date: #9a5b13; --rose: #a82040; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #0e1a1e; --surface: #132328; --ink: #e8eeee; --dim: #9bb0b5; --line: #26393f; --water: #4bb8c9; --date: #d9a15c; --rose: #f08aa0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.6 "Readex Pro Variable", "Readex Pro", system-ui, sans-serif; }
header, main { max-inline-size: 1040px; margin-inline: auto; padding: 12px 20px; }
header { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: baseline; border-block-end: 1px solid var(--line); }
h1 { font-size: 18px; margin: 0; } h1 a { color: inherit; text-decoration: none; }
h2 { font-size: 15px; margin: 24px 0 8px; color: var(--dim); font-weight: 500; }
a { color: var(--water); } .end { margin-inline-start: auto; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-block: 12px; }
nav a { text-decoration: none; padding-block: 4px; border-block-end: 2px solid transparent; }
nav a[aria-current] { color: var(--ink); border-color: var(--water); }
table { inline-size: 100%; border-collapse: collapse; } th, td { text-align: start; padding: 8px 6px; border-block-end: 1px solid var(--line); vertical-align: top; }
th { color: var(--dim); font-weight: 500; font-size: 13px; } td.number { font-variant-numeric: tabular-nums; }
bdi, time { overflow-wrap: anywhere; } time { color: var(--dim); font-size: 13px; }
.tag { display: inline-block; padding: 0 8px; border: 1px solid var(--line); border-radius: 99px; font-size: 13px; } .down { color: var(--rose); border-color: currentColor; } .appeal { color: var(--date); border-color: currentColor; }
blockquote { margin: 0; padding: 12px 16px; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; white-space: pre-wrap; overflow-wrap: anywhere; max-block-size: 320px; overflow: auto; }
form.decide { display: grid; gap: 10px; max-inline-size: 640px; } label { display: grid; gap: 2px; } small { color: var(--dim); }
input, textarea { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px; inline-size: 100%; }
.row { display: flex; flex-wrap: wrap; gap: 8px; } .find { flex: 1; flex-wrap: nowrap; min-inline-size: min(100%, 360px); } .find button { flex: none; } .find input { inline-size: min(420px, 100%); }
button { font: inherit; padding: 5px 14px; border-radius: 99px; border: 1px solid var(--line); background: var(--surface); color: inherit; cursor: pointer; } button.strong { background: var(--water); border-color: var(--water); color: var(--paper); } button.danger { color: var(--rose); border-color: currentColor; }
:focus-visible { outline: 2px solid var(--water); outline-offset: 2px; }
ol { list-style: none; margin: 0; padding: 0; } li { padding: 8px 0; border-block-end: 1px solid var(--line); } li p { margin: 2px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.problem { color: var(--rose); }
`
