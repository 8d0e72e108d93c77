import { colours, type Theme, themes } from './runtime/theme.ts'

const chartColours = ({ colours: value }: Theme): string => colours.map((name) => `--${name}:${value[name]}`).join(';')

/** All of the page's looks. No inline style stands anywhere, so the policy of the page allows this one sheet by hash. */
export const style = `
:root{color-scheme:light dark;${chartColours(themes.light)};
--bg:#f6f7f9;--card:#fff;--line:#dce1e7;--soft:#eef1f5;--link:#0b5cad;
--good:#0d6b45;--good-bg:#e2f4ea;--fair:#7a5200;--fair-bg:#fdf2d6;--poor:#a81f1f;--poor-bg:#fde7e5}
@media (prefers-color-scheme:dark){:root{${chartColours(themes.dark)};
--bg:#12161c;--card:#1a2029;--line:#323a45;--soft:#222a35;--link:#7dbbff;
--good:#6fd8a4;--good-bg:#15362a;--fair:#f0c566;--fair-bg:#3a2f14;--poor:#ff9d94;--poor-bg:#41201f}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:break-word}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px;top:0;background:var(--card);padding:.5rem 1rem;z-index:3}
.skip:focus{left:0}
.page{max-width:1320px;margin:0 auto;padding:0 1.5rem 4rem;display:grid;grid-template-columns:minmax(0,1fr);gap:0 2.5rem}
header.top{padding:2rem 0 1rem}
h1{font-size:1.15rem;margin:0;font-weight:600}
.unmodelled{border-left:4px solid var(--poor);background:var(--poor-bg);padding:.4rem .8rem;margin:0 0 .6rem}
.origin{color:var(--muted);margin:.15rem 0 0;font-size:.95rem}
nav.toc{font-size:.92rem}
nav.toc h2{font-size:.8rem;text-transform:uppercase;letter-spacing:.06em;color:var(--muted);margin:0 0 .4rem;font-weight:600}
nav.toc ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1rem}
nav.toc a{text-decoration:none;display:block;padding:.15rem 0}
nav.toc a:hover{text-decoration:underline}
section{margin:2.6rem 0 0}
section>h2{font-size:1.35rem;line-height:1.3;margin:0 0 .6rem;letter-spacing:-.01em}
section>p,.caveats{max-width:48rem}
section>p{margin:.5rem 0}
#headline{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.4rem 1.6rem 1.6rem;margin-top:1.2rem}
#headline>h2{font-size:.8rem;text-transform:uppercase;letter-spacing:.06em;color:var(--muted);font-weight:600;margin:0}
#headline>p:first-of-type{font-size:1.22rem;line-height:1.4;margin:.3rem 0 1rem;max-width:54rem;font-weight:500}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,12.5rem),1fr));gap:.9rem;margin:0 0 .4rem;padding:0;list-style:none}
.figures li{border-left:4px solid var(--k0);background:var(--soft);border-radius:0 8px 8px 0;padding:.6rem .9rem;display:flex;flex-direction:column}
.figures .label{font-size:.85rem}
.figures .value{font-size:1.4rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.figures .note{font-size:.82rem;color:var(--muted);overflow-wrap:anywhere}
.figures li.good{border-color:var(--good)}.figures li.fair{border-color:var(--fair)}.figures li.poor{border-color:var(--poor)}
.caveats{background:var(--fair-bg);border-left:4px solid var(--fair);border-radius:0 8px 8px 0;margin:.9rem 0;padding:.55rem .9rem;list-style:none;font-size:.93rem}
.caveats li+li{margin-top:.3rem}
.table{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px;margin:.9rem 0;max-width:100%;width:fit-content}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.6rem .6rem .3rem;color:var(--fg)}
caption span{position:sticky;left:.6rem;display:inline-block;max-width:min(46rem,calc(100vw - 3.6rem))}caption span.nb,.nb{position:static;display:inline;white-space:nowrap}
th,td{padding:.38rem .6rem;text-align:right;vertical-align:top;border-top:1px solid var(--line);white-space:nowrap}
thead th{font-weight:600;font-size:.92em;color:var(--muted);vertical-align:bottom;white-space:normal;min-width:4.6rem;border-top:0}
thead .unit{display:block;font-weight:400}
.t{text-align:left}
td.t{white-space:normal;min-width:7rem;max-width:38rem;overflow-wrap:anywhere}
tbody th{text-align:left;font-weight:500;position:sticky;left:0;background:var(--card);max-width:17rem;overflow-wrap:break-word;white-space:normal;min-width:9.2rem}
thead th:first-child{position:sticky;left:0;background:var(--card)}
tr.base>*{background:var(--soft)}
.tag{display:block;font-size:.82em;font-weight:500;color:var(--muted)}
.diff{display:block;font-size:.87em;line-height:1.3;color:var(--muted)}
.better{color:var(--good)}.worse{color:var(--poor)}
.verdict{display:inline-block;border-radius:99px;padding:0 .6em;font-size:.93em;background:var(--soft);white-space:nowrap}
.verdict.good{background:var(--good-bg);color:var(--good)}.verdict.fair{background:var(--fair-bg);color:var(--fair)}.verdict.poor{background:var(--poor-bg);color:var(--poor)}
figure{margin:1rem 0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem .8rem}
figcaption h3{margin:0;font-size:1.02rem;font-weight:600}
.legend{list-style:none;margin:.4rem 0 .5rem;padding:0;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;font-size:.86rem}
.legend li{display:flex;align-items:center;gap:.45rem}
.legend svg{width:22px;height:12px;flex:none}
.plot{min-height:6rem;overflow:hidden}
.plot svg{display:block;max-width:100%;height:auto}
${colours.map((name) => `.s-${name}{stroke:var(--${name})}.f-${name}{fill:var(--${name})}`).join('')}
details{margin:.5rem 0 0;font-size:.92rem}
summary{cursor:pointer;color:var(--link);width:fit-content}
details .table{max-height:26rem;overflow:auto}
details .table thead th{position:sticky;top:0;background:var(--card);z-index:1}
details .table thead th:first-child{z-index:2}
.tip{position:fixed;z-index:4;pointer-events:none;background:var(--fg);color:var(--card);font-size:.8rem;line-height:1.4;border-radius:5px;padding:.3rem .55rem;max-width:18rem}
footer{margin-top:3rem;color:var(--muted);font-size:.88rem;border-top:1px solid var(--line);padding-top:1rem}
@media (min-width:1100px){.page{grid-template-columns:11.5rem minmax(0,1fr)}header.top{grid-column:1/-1}
nav.toc{position:sticky;top:1.5rem;align-self:start;max-height:calc(100vh - 3rem);overflow:auto}nav.toc ul{display:block}nav.toc a{padding:.22rem 0}}
@media (max-width:600px){.page{padding:0 .8rem 3rem}#headline{padding:1rem}#headline>p:first-of-type{font-size:1.12rem}figure{padding:.8rem .7rem .6rem}
th,td{padding:.35rem .55rem}tbody th{max-width:9rem;min-width:6.5rem}section>h2{font-size:1.2rem}}
@media print{:root{color-scheme:light;${chartColours(themes.light)};--bg:#fff;--card:#fff;--line:#ccd2d9;--soft:#f1f3f6;--link:#0b5cad;
--good:#0d6b45;--good-bg:#e2f4ea;--fair:#7a5200;--fair-bg:#fdf2d6;--poor:#a81f1f;--poor-bg:#fde7e5}
body{font-size:10pt}nav.toc,.skip,.tip{display:none}.page{display:block;padding:0;max-width:none}
section>h2,figcaption,caption,summary{break-after:avoid}.plot,tr,.figures li{break-inside:avoid}
.table,details .table{overflow:visible;max-height:none;width:auto;border-radius:0}table{font-size:7.5pt;width:100%}th,td{padding:.15rem .3rem;white-space:normal}thead th,td.t{min-width:0}tbody th{min-width:7em;overflow-wrap:break-word}
thead th,tbody th,thead th:first-child,details .table thead th{position:static}
details::details-content{content-visibility:visible;display:block}summary{color:inherit;list-style:none}}
`
