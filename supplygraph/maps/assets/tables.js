// What stands in the tables: rows for what the map shows now, or for everything.

/** A column: its text, its unit, and whether its numbers are shares. Plain text with "(t)" reads as tonnes a year. */
const column = (text, unit = '', more = {}) => ({ text, unit, ...more });

const columnOf = (given) => (typeof given === 'string' ? column(given, '', { share: given.startsWith('Share') }) : given);

const operators = (node) => [...new Set(node.processes.map((process) => process.operator).filter(Boolean))].join(', ');

/** Different values in order, as one text. */
const listed = (values) => [...new Set(values.filter((value) => value !== null && value !== undefined && value !== ''))].sort().join(', ');

/** A capacity without end is one that nobody knows. */
const capacityOf = ({ capacity }) => (capacity === null ? 'no limit known' : capacity);

/** The scenarios whose figures a table gives: those on the map, or all. */
function scenariosTold({ data, state }, all) {
  if (all) return data.scenarios.map((_, i) => i);
  return state.mode === 'single' || state.scenario === 0 ? [state.scenario] : [0, state.scenario];
}

const flowColumns = ({ data }, told, text = 'Through it') => told.map((i, position) => column(data.scenarios.length > 1 ? data.scenarios[i].name : text, 't a year',
  { main: position === told.length - 1 }));

/** Whether the map shows a site: its layer is on, it has to do with the product, and ports and straits carry something. */
function onMap(canvas, node, told) {
  const { state, data } = canvas;
  if (state.hidden.has(node.kind) || !concerns(state, node)) return false;
  const carries = told.some((i) => at(node.flow, i) > 0 || isClosed(data, i, node));
  return carries || !(node.kind === 'port' || node.kind === 'passage');
}

function siteTable(canvas, all) {
  const { data } = canvas;
  const told = scenariosTold(canvas, all);
  const columns = [...['Site', 'Kind', 'Country', 'Operator', 'Status', 'Confidence'].map((text) => column(text)), ...flowColumns(canvas, told),
    column('Made or used', 't a year'), column('Low', 't a year'), column('High', 't a year'), column('Capacity', 't a year'), column('Year', '', { year: true }), column('Source', '', { long: true })];
  return ['Sites', columns, () => data.nodes.filter((node) => node.kind !== 'passage' && (all || onMap(canvas, node, told))).map((node) => {
    // Several activities at one site are not one figure: the table of activities has each with its bounds.
    const [one] = node.processes.length === 1 ? node.processes : [{ activity: node.processes.length ? 'see Activities' : '', low: '', high: '', capacity: '' }];
    return { go: node, cells: [node.name, KIND_WORDS[node.kind], node.country ? data.countryName(node.country) : '', operators(node), sentence(node.status),
      sentence(node.confidence), ...told.map((i) => at(node.flow, i)), one.activity, one.low, one.high, capacityOf(one),
      listed(node.processes.map(({ year }) => year)), listed([node, ...node.processes].map(({ reference }) => titleOf(data, reference)))] };
  })];
}

const ACTIVITIES = { extract: 'Extracts', transform: 'Makes', use: 'Uses', stock: 'Stores', trade: 'Trades' };

/** Every activity of every site, with its bounds, year and source. */
function activityTable(canvas, all) {
  const { data, state } = canvas;
  const ids = new Set(state.product < 0 || all ? data.products.map(({ id }) => id) : [data.products[state.product].id]);
  const words = (id) => sentence((id || '').replace(/-/g, ' '));
  const columns = [...['Site', 'Country', 'Activity', 'Product', 'From', 'Operator'].map((text) => column(text)), column('Tonnes', 't a year', { main: true }),
    column('Low', 't a year'), column('High', 't a year'), column('Capacity', 't a year'), column('Year', '', { year: true }), column('Confidence'), column('Source', '', { long: true })];
  const rows = () => data.nodes.filter((node) => all || !state.hidden.has(node.kind)).flatMap((node) => node.processes
    .filter(({ input, output }) => ids.has(input) || ids.has(output))
    .map((one) => ({ go: node, cells: [node.name, node.country ? data.countryName(node.country) : '', ACTIVITIES[one.role] || sentence(one.role),
      words(one.output || one.input), one.output && one.input ? words(one.input) : '', one.operator, one.activity, one.low, one.high, capacityOf(one),
      one.year ? String(one.year) : '', sentence(one.confidence), titleOf(data, one.reference)] })));
  return ['Activities', columns, rows];
}

/** The years of the activities at both ends that a shipment joins. */
const yearsOf = ({ a, b, product }, data) => {
  const { id } = data.products[product];
  return listed([...a.processes.filter(({ output }) => output === id), ...b.processes.filter(({ input }) => input === id)].map(({ year }) => year));
};

function linkTableOf(canvas, all) {
  const { data, state } = canvas;
  const told = scenariosTold(canvas, all);
  const least = leastFlow(data, state);
  const shown = (link) => (state.product < 0 || link.product === state.product) && told.some((i) => at(link.flow, i) >= Math.max(least, 1e-9));
  const columns = [...['From', 'To', 'Product', 'Basis'].map((text) => column(text)), ...flowColumns(canvas, told, 'Shipped'), column('Low, today', 't a year'),
    column('High, today', 't a year'), column('From country'), column('To country'), column('Year', '', { year: true }), column('Source', '', { long: true })];
  const country = (node) => (node.country ? data.countryName(node.country) : '');
  return ['Links', columns, () => data.links.filter((link) => all || shown(link)).map((link) => ({ go: link, cells: [link.a.name, link.b.name,
    data.products[link.product].name, link.reported ? 'reported' : 'estimated', ...told.map((i) => at(link.flow, i)), link.low, link.high,
    country(link.a), country(link.b), yearsOf(link, data), titleOf(data, link.reference)] }))];
}

function straitTable(canvas, all) {
  const { data } = canvas;
  const told = scenariosTold(canvas, all);
  return ['Straits', [column('Strait'), ...flowColumns(canvas, told), column('Year', '', { year: true }), column('Source', '', { long: true })], () => data.nodes
    .filter((node) => node.kind === 'passage' && (all || onMap(canvas, node, told)))
    .map((node) => ({ go: node, cells: [node.name, ...told.map((i) => (isClosed(data, i, node) ? 'closed' : at(node.flow, i))), data.years, ADDED_UP] }))];
}

function countryTable(canvas, all) {
  const { data } = canvas;
  const told = scenariosTold(canvas, all);
  const stages = [...new Set(Object.values(data.countries).flatMap(([, made]) => Object.keys(made)))];
  const columns = [column('Country'), ...told.map((i, position) => column(`Share of ${data.stage}${data.scenarios.length > 1 ? `, ${data.scenarios[i].name}` : ''}`, '',
    { share: true, main: position === told.length - 1 })), ...stages.map((stage) => column(`${sentence(stage)}, today`, 't a year')), column('Year', '', { year: true }), column('Source', '', { long: true })];
  return ['Countries', columns, () => Object.entries(data.countries).map(([iso, [name, made, shares]]) => ({ go: { type: 'country', iso },
    cells: [name, ...told.map((i) => at(shares, i)), ...stages.map((stage) => made[stage] || ''), data.years, ADDED_UP] }))];
}

const ADDED_UP = 'Added up from the estimated shipments';

/** Who goes without, in the scenarios told. */
function shortTable(canvas, all) {
  const { data } = canvas;
  const columns = [...['Scenario', 'Factory', 'Country'].map((text) => column(text)), column('Asks for', 't a year'), column('Lost by the fix', 't a year'),
    column('Share unmet', '', { share: true }), column('Goes without', 't a year')];
  return ['Goes without', columns, () => scenariosTold(canvas, all).flatMap((i) => [...data.scenarios[i].short].map(([index, row]) => {
    const node = data.nodes[index];
    return { go: node, cells: [data.scenarios[i].name, node.name, data.countryName(node.country), row.demand, row.displaced,
      row.demand > 0 ? row.unmet / row.demand : null, row.unmet] };
  }))];
}

/** The tables on offer; each gives its name, its columns and, for the state of the map, its rows. */
function tablesOf(canvas, all) {
  const { data } = canvas;
  return [
    ...(data.failures ? [failureTable(data)] : []),
    ...(data.attack ? attackTables(data) : []),
    ...(data.answer.ranked ? [answerTable(data)] : []),
    ...(data.duties ? [dutyTable(data)] : []),
    siteTable(canvas, all), linkTableOf(canvas, all), straitTable(canvas, all), countryTable(canvas, all),
    ...(data.scenarios.some((scenario) => scenario.short.size) ? [shortTable(canvas, all)] : []),
    activityTable(canvas, all),
  ].map(([name, columns, rows]) => ({ name, columns: columns.map(columnOf), rows: () => rows().map((row) => (Array.isArray(row) ? { cells: row } : row)) }));
}

/** What keeps rows out of the tables, in words. */
function filterWords({ data, state }, name) {
  const words = [];
  if (data.scenarios.length > 1) words.push(scenariosTold({ data, state }, false).map((i) => data.scenarios[i].name).join(' and '));
  if (state.product >= 0) words.push(data.products[state.product].name);
  if (name === 'Links' && leastFlow(data, state) > 0) words.push(`flows from ${tonnes(leastFlow(data, state))}`);
  const kinds = name === 'Sites' || name === 'Activities' ? ['mine', 'refinery', 'factory', 'port'] : name === 'Straits' ? ['passage'] : [];
  const without = kinds.filter((kind) => state.hidden.has(kind)).map((kind) => KIND_PLURALS[kind].toLowerCase());
  if (without.length) words.push(`without ${without.join(', ')}`);
  return words.join(' · ');
}
