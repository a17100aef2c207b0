"""The frame and the style of every page that `trainyard.pages.page` renders, light and dark."""

from __future__ import annotations

DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"""

STYLE = """
:root{--paper:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5c6675;--line:#e2e6ec;--accent:#2f6fde;--tint:#dbe7fd;
--good:#14804a;--good-tint:#dcf5e7;--bad:#b3261e;--bad-tint:#fde4e2}
@media (prefers-color-scheme:dark){:root{--paper:#12161d;--card:#1b212b;--ink:#e7ebf2;--soft:#9aa5b5;--line:#2d3644;
--accent:#7aa7ff;--tint:#24395f;--good:#5fd39a;--good-tint:#153a28;--bad:#ff8a80;--bad-tint:#4a1f1c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 20px 64px}
header,section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:24px 28px;margin:0 0 20px}
h1{font-size:1.75rem;line-height:1.25;margin:0;display:flex;gap:14px;align-items:center;flex-wrap:wrap}
h2{font-size:1.15rem;margin:0 0 12px}
p{margin:0 0 12px;max-width:75ch}
.summary{color:var(--soft);margin:10px 0 0;font-size:1.05rem}
.badge{font-size:.85rem;font-weight:600;padding:4px 12px;border-radius:999px}
.badge.good{color:var(--good);background:var(--good-tint)}.badge.bad{color:var(--bad);background:var(--bad-tint)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:22px}
.tile{border:1px solid var(--line);border-radius:10px;padding:12px 16px;display:flex;flex-direction:column}
.tile.main{border-color:var(--accent);background:var(--tint)}
.tile span,.tile small{color:var(--soft);font-size:.85rem}
.tile.main span,.tile.main small{color:var(--ink)}
.tile b{font-size:1.45rem;font-variant-numeric:tabular-nums;line-height:1.3}
.scroll{overflow-x:auto;margin:0 0 14px}
table{border-collapse:collapse;width:100%;font-size:.93rem}
caption{text-align:left;color:var(--soft);padding:0 0 8px}
th,td{text-align:left;padding:7px 12px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600;font-size:.85rem}
.number,thead .number{text-align:right;font-variant-numeric:tabular-nums}
.bars td{min-width:88px;padding:5px 10px 5px 0}.bars th[scope=row]{min-width:120px}.bars .none{padding-left:8px}
.bars td span{display:block;position:relative;padding:2px 8px}
.bars td i{position:absolute;left:0;top:0;bottom:0;background:var(--tint);border-radius:4px}
.bars td b{position:relative;font-weight:400;font-variant-numeric:tabular-nums}
.bars th[scope=row]{font-weight:400}.bars .own th,.bars .own td b{font-weight:700}
.bars .own td i,.bars td.own i{background:var(--accent);opacity:.35}
.none{color:var(--soft)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:24px 40px}
.charts h3{font-size:.98rem;margin:0 0 4px;overflow-wrap:anywhere}
.charts p{color:var(--soft);font-size:.9rem;margin:0 0 6px}
.charts th,.charts td{border-bottom:0;font-size:.88rem;line-height:1.4;padding-top:1px;padding-bottom:1px}
.charts table{table-layout:fixed}.charts th:first-child{width:34%;overflow-wrap:anywhere}
.charts td b{white-space:nowrap}
.checks{list-style:none;margin:0;padding:0}
.checks li{border-left:4px solid;padding:4px 0 4px 14px;margin:0 0 8px}
.checks .good{border-color:var(--good)}.checks .bad{border-color:var(--bad)}
.checks .good b{color:var(--good)}.checks .bad b{color:var(--bad)}
figure{margin:0 0 16px}
img{max-width:100%;height:auto;display:block;background:#fff;border-radius:8px}
figcaption{color:var(--soft);font-size:.9rem;margin-top:8px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:6px 24px;margin:0;font-size:.93rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
@media print{body{background:#fff}header,section{break-inside:avoid}}
"""
