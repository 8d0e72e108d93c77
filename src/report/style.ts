import { colours, type Theme, themes } from './runtime/theme.ts'

const chartColours = ({ colours: value }: Theme): string => colours.map((name) => `--${name}:${value[name]}`).join(';')

/** A table whose cells stand one under the other, each with its column’s name. */
const stacked = (
  table: string,
): string => `${table} table,${table} tbody,${table} tfoot,${table} tr,${table} td,${table} tbody th,${table} caption,${table} tfoot th{display:block;width:auto;max-width:none}
${table}{width:auto}${table} thead{display:none}${table} tr{border-top:1px solid var(--line);padding:.35rem 0}${table} tbody th,${table} tfoot th{position:static;font-weight:600}
${table} td,${table} tbody th,${table} tfoot th{border:0;padding:.12rem .6rem}${table} td{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;text-align:right;white-space:normal}
${table} td::before{content:attr(data-label);color:var(--muted);text-align:left}${table} td.t{display:block;text-align:left;max-width:none}${table} td.t::before{display:block}${table} td .bar{width:100%;flex-basis:100%}`

/** All of the page's looks. No inline style stands anywhere, so the policy of the page allows this one sheet by hash. */
export const style = `
:root{color-scheme:light dark;${chartColours(themes.light)};
--bg:#f6f7f9;--card:#fff;--line:#dce1e7;--soft:#eef1f5;--link:#0b5cad;
--good:#0d6b45;--good-bg:#e2f4ea;--fair:#7a5200;--fair-bg:#fdf2d6;--poor:#a81f1f;--poor-bg:#fde7e5}
@media (prefers-color-scheme:dark){:root{${chartColours(themes.dark)};
--bg:#12161c;--card:#1a2029;--line:#323a45;--soft:#222a35;--link:#7dbbff;
--good:#6fd8a4;--good-bg:#15362a;--fair:#f0c566;--fair-bg:#3a2f14;--poor:#ff9d94;--poor-bg:#41201f}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:.6rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:break-word}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px;top:0;background:var(--card);padding:.5rem 1rem;z-index:3}
.skip:focus{left:0}
.page{max-width:1320px;margin:0 auto;padding:0 1.2rem 2rem}
header.top{padding:.7rem 0 0;display:flex;flex-wrap:wrap;gap:0 1rem;align-items:baseline}
h1{font-size:1rem;margin:0;font-weight:600}
.unmodelled{flex-basis:100%;border-left:4px solid var(--poor);background:var(--poor-bg);padding:.3rem .8rem;margin:0 0 .4rem}
.origin{color:var(--muted);margin:0;font-size:.88rem}
#main>section{margin:1.6rem 0 0}
#main>section:first-of-type{margin:.4rem 0 0}
section>h2{font-size:1.2rem;line-height:1.3;margin:0 0 .5rem}
section>p,.caveats,details.part>p{max-width:52rem}
section>p,details.part>p{margin:.4rem 0}
#headline>h2,#recorded-first>h2{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
p.lead{font-size:1.14rem;line-height:1.38;font-weight:550;margin:.2rem 0 .25rem;max-width:78rem}
p.trust{color:var(--muted);font-size:.9rem;line-height:1.42;margin:0 0 .5rem;max-width:78rem}
.caveats{background:var(--fair-bg);border-left:4px solid var(--fair);border-radius:0 8px 8px 0;margin:.7rem 0;padding:.45rem .8rem;list-style:none;font-size:.9rem}
.caveats li+li{margin-top:.25rem}
.group>h2{font-size:1.05rem;margin:0 0 .35rem}
details.part{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:.3rem 0;padding:0 .9rem}
details.part>summary{padding:.42rem 0;color:var(--fg);width:auto}
details.part>summary h3{display:inline;font-size:.98rem;font-weight:500;margin:0}
details.part[open]{padding-bottom:.8rem}details.part[open]>summary h3{font-weight:650}
.table{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px;margin:.7rem 0;max-width:100%;width:fit-content}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.45rem .6rem .2rem;color:var(--fg)}
caption span{display:inline-block;max-width:60rem}caption span.nb,.nb{display:inline;white-space:nowrap}
caption .zero{font-weight:400;color:var(--muted);margin-left:.8rem;font-size:.95em}
th,td{padding:.3rem .55rem;text-align:right;vertical-align:top;border-top:1px solid var(--line);white-space:nowrap}
thead th{font-weight:600;font-size:.92em;color:var(--muted);vertical-align:bottom;white-space:normal;min-width:3.6rem;border-top:0}
thead .unit{display:block;font-weight:400}
.t{text-align:left}
td.t{white-space:normal;min-width:7rem;max-width:34rem;overflow-wrap:anywhere}
tbody th,tfoot th{text-align:left;font-weight:500;max-width:15rem;overflow-wrap:break-word;white-space:normal;min-width:7.4rem}
thead th:first-child{text-align:left}
tr.base>*,tr.baseline>*{background:var(--soft)}
.tag{font-size:.82em;font-weight:500;color:var(--muted)}
tr.base .tag{display:block}
.diff{display:block;font-size:.87em;line-height:1.25;color:var(--muted)}
.better{color:var(--good)}.worse{color:var(--poor)}
.verdict{display:inline-block;border-radius:99px;padding:0 .6em;font-size:.93em;background:var(--soft);white-space:nowrap}
.verdict.good{background:var(--good-bg);color:var(--good)}.verdict.fair{background:var(--fair-bg);color:var(--fair)}.verdict.poor{background:var(--poor-bg);color:var(--poor)}
.matrix{width:auto}.matrix table{width:100%}
.matrix tbody th{font-weight:600;max-width:16rem}.matrix tbody th,.matrix tfoot th{min-width:13rem}.matrix .name>span{overflow-wrap:anywhere}
.matrix td,.matrix tbody th{padding:.16rem .34rem .22rem}.matrix thead th{padding:.1rem .34rem .2rem;min-width:0}.matrix tbody th,.matrix tfoot th,.matrix thead th:first-child{padding-left:.6rem}
.matrix td[data-opens]{cursor:pointer}.matrix td[data-opens]:hover{background:var(--soft)}
.cell{display:flex;justify-content:flex-end;align-items:baseline;gap:.3rem}.matrix .diff{display:inline;white-space:nowrap;font-size:.74rem}.matrix .unchecked{font-style:italic;text-decoration:underline dotted}.matrix .value{font-size:.88rem;font-weight:600}
.matrix tr.recorded .value{font-weight:500}.name{display:flex;align-items:baseline;gap:.4rem}.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.matrix tfoot{color:var(--muted);font-size:.92em}
.matrix thead button{all:unset;cursor:pointer;color:var(--muted)}.matrix thead button:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.matrix th[aria-sort=ascending] button::after{content:" ▲"}.matrix th[aria-sort=descending] button::after{content:" ▼"}
.matrix thead .unit{display:inline}.matrix .more{font-weight:400;text-decoration:none}
.bar{display:block;width:100%;height:3px;margin-top:.12rem}.bar rect{fill:var(--k0);opacity:.55}
tr.recorded .bar rect{fill:var(--muted)}
figure{margin:.8rem 0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem .6rem}
figcaption h3,figcaption h4{margin:0;font-size:.98rem;font-weight:600}
.when figcaption{display:flex;flex-wrap:wrap;gap:.1rem 1rem;align-items:baseline;font-size:.86rem}
.when{margin:.5rem 0}.when .marks,.when .same,.when .window{color:var(--muted)}.when select{font:inherit;max-width:100%}
.tools{float:right;display:flex;gap:.4rem}.tools button{font:inherit;font-size:.78rem;border:1px solid var(--line);background:var(--soft);color:var(--fg);border-radius:5px;padding:.05rem .45rem;cursor:pointer}
.legend{list-style:none;margin:.35rem 0 .45rem;padding:0;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;font-size:.84rem}
.legend li{display:flex;align-items:center;gap:.45rem}
.swatch{width:22px;height:12px;flex:none}
.plot{min-height:6rem;overflow:hidden}.when .plot{min-height:190px}
.plot svg{display:block;max-width:100%;height:auto}
${colours.map((name) => `.s-${name}{stroke:var(--${name})}.f-${name}{fill:var(--${name})}`).join('')}
.drop{border:1px dashed var(--line);border-radius:8px;padding:.4rem .9rem;margin:.4rem 0;font-size:.88rem;color:var(--muted)}.drop.over{border-color:var(--link);background:var(--soft)}
.ask-grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:.4rem 1rem}.ask fieldset{border:1px solid var(--line);border-radius:6px;padding:.2rem .8rem .5rem;margin:.3rem 0;min-width:0}.ask legend{font-size:.86rem;color:var(--muted)}
.ask-row{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .6rem;margin:.25rem 0;font-size:.88rem}.ask-row label{flex:0 0 9.5rem;overflow-wrap:anywhere}.ask-row input[type=range]{flex:1 1 8rem;min-width:6rem;accent-color:var(--k0)}.ask-row input[type=number]{width:7.5rem}#ask-id{flex:1 1 10rem;min-width:0}.ask input,.ask select,.ask button{font:inherit;color:var(--fg);background:var(--soft);border:1px solid var(--line);border-radius:5px;padding:.1rem .45rem}.ask button{cursor:pointer}
#ask-added{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem .6rem;padding:0;margin:.4rem 0;font-size:.86rem}#ask-added li{background:var(--soft);border-radius:99px;padding:.05rem .2rem .05rem .7rem}#ask-added button{border:0;background:none}#ask-status{color:var(--muted);font-size:.88rem;margin:.3rem 0}
details.behind{margin:.4rem 0 0;font-size:.92rem}
summary{cursor:pointer;color:var(--link);width:fit-content}
.behind .table{max-height:26rem;overflow:auto}
.behind .table thead th{position:sticky;top:0;background:var(--card);z-index:1}
.tip{position:fixed;z-index:4;pointer-events:none;background:var(--fg);color:var(--card);font-size:.8rem;line-height:1.4;border-radius:5px;padding:.3rem .55rem;max-width:22rem}
footer{margin-top:1.6rem;color:var(--muted);font-size:.84rem;border-top:1px solid var(--line);padding-top:.6rem}
@media screen and (max-width:1150px){${stacked('.many')}}
@media screen and (max-width:1000px){${stacked('.matrix')}}
@media screen and (max-width:900px){${stacked('.some')}}
@media screen and (max-width:640px){.page{padding:0 .7rem 2rem}figure{padding:.6rem .6rem .5rem}${stacked('.few')}${stacked('.two')}.tools{float:none}}
@media print{:root{color-scheme:light;${chartColours(themes.light)};--bg:#fff;--card:#fff;--line:#ccd2d9;--soft:#f1f3f6;--link:#0b5cad;
--good:#0d6b45;--good-bg:#e2f4ea;--fair:#7a5200;--fair-bg:#fdf2d6;--poor:#a81f1f;--poor-bg:#fde7e5}
body{font-size:9pt}.skip,.tip,.tools,.more,.behind{display:none}.page{padding:0;max-width:none}
details.part:not([open]){display:none}.group:not(:has(details[open])){display:none}
section>h2,figcaption,caption,summary{break-after:avoid}.plot,tr{break-inside:avoid}
.table{overflow:visible;width:auto;border-radius:0}table{font-size:7pt;width:100%}th,td{padding:.1rem .25rem;white-space:normal}thead th,td.t{min-width:0}tbody th{min-width:6em}
summary{list-style:none}}
`
