"""Styles and scripts of the HTML pages, written out here so that a page needs nothing else."""

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #c5cad3;
        --soft: #f3f4f7; --lit: #d55e00; --gradient: #a3306f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f0f0f0; --paper: #15181d; --line: #4d5663; --soft: #20242c; --lit: #ffb056;
          --gradient: #f08fc0; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink);
       background: var(--paper); }
header, main, footer { padding: 0.6rem 0.9rem; }
h1 { font-size: 1.1rem; margin: 0 0 0.3rem; }
header { border-bottom: 1px solid var(--line); }
label { margin-right: 1rem; white-space: nowrap; }
main { display: grid; grid-template-columns: minmax(0, 1fr) 21rem; gap: 0.9rem; }
#drawing { overflow: auto; }
#drawing.fit svg { max-width: 100%; height: auto; }
#panel { background: var(--soft); border: 1px solid var(--line); border-radius: 8px;
         padding: 0.7rem 0.8rem; align-self: start; position: sticky; top: 0.6rem;
         overflow-wrap: anywhere; }
#panel h2 { font-size: 1rem; margin: 0 0 0.4rem; }
#panel pre { white-space: pre-wrap; font: inherit; margin: 0.3rem 0; }
@media (max-width: 760px) {
  main { grid-template-columns: minmax(0, 1fr); }
  #panel { position: static; }
  label, button { padding: 0.3rem 0; }
}
g.node:not(.name) { cursor: pointer; }
g.node:focus { outline: none; }
.dim { opacity: 0.22; }
g.node.lit > :is(ellipse, polygon, path), g.node.lit a > :is(ellipse, polygon, path)
  { stroke: var(--lit); stroke-width: 3; }
g.edge.lit path { stroke: var(--lit); }
g.edge.lit polygon { stroke: var(--lit); fill: var(--lit); }
.hide-gradient #drawing .gradient, .hide-saved #drawing .saved,
.hide-parameter #drawing .parameter, .hide-shapes g.edge text,
.hide-legend #legend, .hide-legend g.legend { display: none; }
"""

GRAPH_SCRIPT = """
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const element = id => document.getElementById(id);
const drawing = element('drawing'), panel = element('panel');

for (const box of document.querySelectorAll('input[data-layer]')) {
  box.addEventListener('change', () =>
    document.body.classList.toggle('hide-' + box.dataset.layer, !box.checked));
}
const fit = element('fit');
fit.addEventListener('change', () => drawing.classList.toggle('fit', fit.checked));
// What would get too small to read is scrolled instead.
fit.checked = drawing.clientWidth > 0.6 * drawing.querySelector('svg').width.baseVal.value;
fit.dispatchEvent(new Event('change'));

const sources = new Map();
for (const edge of data.edges) {
  if (!sources.has(edge.target)) sources.set(edge.target, []);
  sources.get(edge.target).push(edge);
}

function clear() {
  for (const marked of drawing.querySelectorAll('.lit, .dim')) {
    marked.classList.remove('lit', 'dim');
  }
}

function light(id) {
  // A node with everything that it was made of.
  clear();
  const nodes = new Set([id]), edges = new Set(), stack = [id];
  while (stack.length) {
    for (const edge of sources.get(stack.pop()) || []) {
      edges.add(edge.id);
      if (!nodes.has(edge.source)) { nodes.add(edge.source); stack.push(edge.source); }
    }
  }
  for (const part of drawing.querySelectorAll('g.node:not(.legend, .name), g.edge')) {
    part.classList.add(nodes.has(part.id) || edges.has(part.id) ? 'lit' : 'dim');
  }
  const [title, ...rest] = data.tips[id].split('\\n');
  panel.querySelector('h2').textContent = title;
  panel.querySelector('pre').textContent = rest.join('\\n');
}

for (const node of drawing.querySelectorAll('g.node:not(.legend, .name)')) {
  node.setAttribute('tabindex', '0');
  node.addEventListener('click', event => {
    event.preventDefault(); event.stopPropagation(); light(node.id);
  });
  node.addEventListener('keydown', event => { if (event.key === 'Enter') light(node.id); });
}
drawing.addEventListener('click', clear);
document.addEventListener('keydown', event => { if (event.key === 'Escape') clear(); });
"""

ANIMATION_STYLE = """
#controls { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
#controls button { min-width: 2.6rem; font-size: 1rem; }
#slider { flex: 1 1 12rem; min-width: 8rem; accent-color: var(--gradient); }
#position { min-width: 7rem; text-align: right; font-variant-numeric: tabular-nums; }
#panel dt { font-weight: 600; margin-top: 0.5rem; }
#panel dd { margin: 0.1rem 0 0; white-space: pre-line; }
#freed { width: 100%; accent-color: var(--gradient); }
g.gradient { opacity: 0.12; }
g.node.gradient.partial { opacity: 0.6; }
g.gradient.reached { opacity: 1; }
g.node.gradient.reached.waiting { opacity: 0.6; }
g.node.passed { opacity: 0.45; }
g.node.current { opacity: 1; }
g.node.current :is(ellipse, polygon, path) { stroke: var(--lit); stroke-width: 3.5; }
g.edge.current path { stroke: var(--lit); stroke-width: 3; }
g.edge.current polygon { stroke: var(--lit); fill: var(--lit); }
"""

ANIMATION_SCRIPT = """
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const element = id => document.getElementById(id);
const drawing = element('drawing'), slider = element('slider'), play = element('play');
const steps = data.steps;
slider.max = steps.length;
const fit = element('fit');
fit.addEventListener('change', () => drawing.classList.toggle('fit', fit.checked));
// What would get too small to read is scrolled instead.
fit.checked = drawing.clientWidth > 0.6 * drawing.querySelector('svg').width.baseVal.value;
fit.dispatchEvent(new Event('change'));

function mark(id, ...classes) {
  const part = id && element(id);
  if (part) part.classList.add(...classes);
}

const replaced = new Map();
function wait(id, words) {
  // More gradients are to be added here: the drawing shows their sum, which is not known yet.
  mark(id, 'waiting');
  const text = element(id) && element(id).querySelector('text + text');
  if (text) { replaced.set(text, text.textContent); text.textContent = words; }
}

function describe(step) {
  const sent = step.sent.map(s =>
    `${s.to}: ${s.text}` + (s.arrival > 1 ? `  (added: arrival ${s.arrival} of ${s.of})`
                            : s.of > 1 ? `  (first of ${s.of})` : '')).join('\\n');
  return [['gradient that arrives', step.received], ['formula', step.formula],
          ['gradients sent on', sent], ['stored', step.stored],
          ['memory freed', step.freed]].filter(row => row[1]);
}

function show(position) {
  slider.value = position;
  for (const part of drawing.querySelectorAll('g.node, g.edge')) {
    part.classList.remove('reached', 'waiting', 'passed', 'current');
  }
  for (const [text, words] of replaced) text.textContent = words;
  replaced.clear();
  const arrived = new Map();
  for (const start of data.start) mark(start, 'reached');
  for (let i = 0; i < position; i++) {
    const step = steps[i], now = i === position - 1;
    mark(step.gradient, 'reached');
    mark(step.node, now ? 'current' : 'passed');
    if (now) mark(step.gradient, 'current');
    for (const sent of step.sent) {
      mark(sent.edge, 'reached');
      if (now) mark(sent.edge, 'current');
      arrived.set(sent.gradient, [sent.arrival, sent.of]);
    }
  }
  for (const [id, [count, all]] of arrived) {
    mark(id, 'reached');
    if (count < all) wait(id, `${count} of ${all} arrived`);
  }
  const step = steps[position - 1];
  element('position').textContent = `step ${position} of ${steps.length}`;
  element('title').textContent = step ? step.title : 'Before the walk';
  const list = element('facts');
  list.replaceChildren();
  const facts = step ? describe(step)
    : [['', 'The gradient of the result by itself is 1. Press play, or the right arrow key.']];
  for (const [name, text] of facts) {
    for (const [tag, words] of [['dt', name], ['dd', text]]) {
      const part = document.createElement(tag);
      part.textContent = words;
      list.append(part);
    }
  }
  element('freed').value = step ? step.freed_bytes : 0;
  element('freedtext').textContent = step ? step.freed_so_far : data.kept;
  const current = step && element(step.node);
  if (current && !fit.checked) {
    current.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}

let timer = null;
function stop() { clearInterval(timer); timer = null; play.textContent = '▶'; }
function move(by) { show(Math.min(steps.length, Math.max(0, Number(slider.value) + by))); }
function toggle() {
  if (timer) return stop();
  if (Number(slider.value) >= steps.length) show(0);
  play.textContent = '⏸';
  timer = setInterval(() => {
    move(1);
    if (Number(slider.value) >= steps.length) stop();
  }, 900);
}
slider.addEventListener('input', () => { stop(); show(Number(slider.value)); });
play.addEventListener('click', toggle);
element('back').addEventListener('click', () => { stop(); move(-1); });
element('next').addEventListener('click', () => { stop(); move(1); });
document.addEventListener('keydown', event => {
  const actions = { ArrowRight: () => { stop(); move(1); }, ArrowLeft: () => { stop(); move(-1); },
                    Home: () => { stop(); show(0); }, End: () => { stop(); show(steps.length); },
                    ' ': toggle };
  if (actions[event.key] && !(event.key === ' ' && event.target.tagName === 'BUTTON')) {
    event.preventDefault();
    actions[event.key]();
  }
});
show(0);
"""
