/** The one style sheet of the pages: no font, image or script from elsewhere, light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --bg: #ffffff; --soft: #f5f6f8; --line: #d9dde3; --text: #1c2128;
  --mute: #646c78; --link: #0b5cbf; --open: #1a7f37; --closed: #8250df; --bad: #b3261e; --draft: #646c78;
  --add: #e3f7e7; --add2: #c9efd1; --del: #fdebea; --del2: #fad6d3; --hunk: #eaf2fd; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171c; --soft: #1b1f26; --line: #323843;
  --text: #e4e7eb; --mute: #97a0ad; --link: #6cabff; --open: #4bb463; --closed: #b18cf5; --bad: #f2837b;
  --draft: #97a0ad; --add: #15301d; --add2: #1d4429; --del: #3a1b1b; --del2: #552524; --hunk: #1a2a40; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
code, pre, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  font-size: 12.5px; }
header.top { background: var(--soft); border-bottom: 1px solid var(--line); }
header.top .in { display: flex; align-items: baseline; gap: 14px; padding-top: 14px; padding-bottom: 2px; flex-wrap: wrap; }
.in, main { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
main { padding-top: 22px; padding-bottom: 64px; }
.brand { font-weight: 700; color: var(--text); letter-spacing: -0.01em; }
.path { font-size: 18px; } .path a:last-child { font-weight: 650; }
header.top nav.tabs { display: flex; padding-bottom: 0; gap: 4px; } nav.tabs a { color: var(--text); padding: 8px 12px; margin-bottom: -1px; border-bottom: 2px solid transparent; }
nav.tabs a.here { border-color: var(--link); font-weight: 600; } nav.tabs a:hover { text-decoration: none; background: var(--bg); }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 8px; font-weight: 600; overflow-wrap: anywhere; }
h1 .no, .mute { color: var(--mute); font-weight: 400; }
h2 { font-size: 18px; margin: 28px 0 10px; }
.pill { display: inline-block; border-radius: 999px; padding: 2px 11px; font-size: 13px; font-weight: 600; border: 1px solid var(--line); color: var(--text); white-space: nowrap; }
.state { color: #fff; border-color: transparent; } .state.open { background: var(--open); } .state.closed, .state.merged { background: var(--closed); }
.state.refused { background: var(--bad); } .state.draft { background: var(--draft); }
@media (prefers-color-scheme: dark) { .state { color: #14171c; } }
.label { font-size: 12px; padding: 0 9px; background: var(--soft); } .label i { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 6px; }
.label svg { width: 9px; height: 9px; margin-right: 6px; }
.box { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; margin: 0 0 18px; background: var(--bg); }
.box > .head { background: var(--soft); border-bottom: 1px solid var(--line); padding: 9px 15px; color: var(--mute); }
.box > .head b, .box > .head a { color: var(--text); } .box > .body { padding: 14px 16px; }
.row { display: flex; gap: 12px; padding: 11px 15px; border-top: 1px solid var(--line); align-items: baseline; }
.row:first-child { border-top: 0; } .row .grow { flex: 1; min-width: 0; overflow-wrap: anywhere; } .row .title { font-weight: 600; color: var(--text); font-size: 15.5px; }
.row small, .mute small, small.mute { color: var(--mute); font-size: 13px; } .row .sign { width: 22px; text-align: center; font-weight: 700; }
.sign.open { color: var(--open); } .sign.closed, .sign.merged { color: var(--closed); } .sign.refused { color: var(--bad); } .sign.draft { color: var(--draft); }
.two { display: grid; grid-template-columns: minmax(0, 1fr) 260px; gap: 28px; } @media (max-width: 820px) { .two { grid-template-columns: minmax(0, 1fr); } }
aside section { border-bottom: 1px solid var(--line); padding: 0 0 12px; margin: 0 0 14px; } aside h3 { font-size: 12.5px; margin: 0 0 6px; color: var(--mute); font-weight: 600; }
.event { padding: 5px 15px 5px 18px; margin: 0 0 12px 14px; border-left: 2px solid var(--line); color: var(--mute); overflow-wrap: anywhere; }
.event b { color: var(--text); font-weight: 600; } .event + .box { margin-top: 4px; }
.md { overflow-wrap: anywhere; } .md > :first-child { margin-top: 0; } .md > :last-child { margin-bottom: 0; }
.md p { margin: 0 0 12px; white-space: pre-wrap; } .md h1, .md h2, .md h3, .md h4 { margin: 18px 0 8px; line-height: 1.3; }
.md h1 { font-size: 22px; border-bottom: 1px solid var(--line); padding-bottom: 6px; } .md h2 { font-size: 18px; } .md h3, .md h4 { font-size: 15.5px; }
.md code { background: var(--soft); padding: 2px 5px; border-radius: 4px; } .md pre { background: var(--soft); padding: 12px 14px; border-radius: 6px; overflow-x: auto; margin: 0 0 12px; }
.md pre code { background: none; padding: 0; } .md blockquote { margin: 0 0 12px; padding: 0 14px; border-left: 3px solid var(--line); color: var(--mute); }
.md ul, .md ol { margin: 0 0 12px; padding-left: 24px; } .md hr { border: 0; border-top: 1px solid var(--line); }
.bar { display: flex; gap: 10px; margin: 0 0 14px; align-items: center; flex-wrap: wrap; } .bar .grow { flex: 1; }
.clone { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; overflow-wrap: anywhere; user-select: all; }
.md table { border-collapse: collapse; margin: 0 0 12px; } .md th, .md td { border: 1px solid var(--line); padding: 5px 12px; text-align: left; vertical-align: top; }
.md th { background: var(--soft); font-weight: 600; } .md .right { text-align: right; }
table.code, table.diff { border-collapse: collapse; width: 100%; } .scroll { overflow-x: auto; }
table.code td, table.diff td { padding: 0 10px; vertical-align: top; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 20px; tab-size: 4;
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 12.5px; }
table td.n { width: 46px; min-width: 46px; text-align: right; color: var(--mute); user-select: none; white-space: nowrap; }
tr.add td { background: var(--add); } tr.add td.n { background: var(--add2); } tr.del td { background: var(--del); } tr.del td.n { background: var(--del2); }
tr.hunk td { background: var(--hunk); color: var(--mute); }
details.file > summary { cursor: pointer; background: var(--soft); padding: 8px 14px; border-bottom: 1px solid var(--line); }
.plus { color: var(--open); font-weight: 600; } .minus { color: var(--bad); font-weight: 600; }
.ref { background: var(--soft); border: 1px solid var(--line); border-radius: 5px; padding: 1px 6px; }
.ok { color: var(--open); } .bad { color: var(--bad); } .none { padding: 36px; text-align: center; color: var(--mute); }
textarea { width: 100%; font: inherit; margin: 0 0 10px; background: var(--bg); color: var(--text); border: 1px solid var(--line); border-radius: 6px; padding: 8px 10px; }
button, select, input { font: inherit; background: var(--soft); color: var(--text); border: 1px solid var(--line); border-radius: 6px; padding: 4px 12px; } button { cursor: pointer; }
pre.plain { white-space: pre-wrap; margin: 0; }
`
