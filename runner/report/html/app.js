"use strict";
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const { journal: JOURNAL, live: LIVE } = document.body.dataset;
  const PAGE = 50, PRINTED = 500;
  // What no page may hold is shown as a mark that shows that it was there.
  const clean = (value) => (value || "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff\ufffe\uffff]/gu, "\ufffd");
  const words = (state) => state.replaceAll("_", " ");
  const number = (n) => n.toLocaleString("en-GB");
  const seconds = (iso) => (iso ? Date.parse(/[Z+]|-\d\d:\d\d$/.test(iso.slice(19)) ? iso : `${iso}Z`) / 1000 : 0);
  const time = (s) => (s ? new Date(s * 1000).toISOString().slice(0, 19).replace("T", " ") : "");
  const digits = (currency) => {
    try {
      return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
    } catch {
      return 2;
    }
  };
  // Decimal texts stay texts: no amount passes through a binary number on its way to the reader.
  const money = (amount, currency) => {
    if (!amount) return "";
    const [whole, part = ""] = amount.split(".");
    const fraction = part.padEnd(digits(currency), "0");
    return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction && `.${fraction}`);
  };
  const lasting = (s) => {
    if (s < 0) return "";
    if (s < 60) return `${Math.round(s * 10) / 10} s`;
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const parts = [];
    let left = Math.round(s);
    for (const [name, size] of units) {
      const count = Math.floor(left / size);
      if (count) parts.push(`${count} ${name}`);
      left -= count * size;
    }
    return parts.slice(0, 2).join(" ");
  };

  // Elements are made with text nodes only: nothing that the data holds can become markup.
  const el = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const said = (value) => (value ? el("bdi", {}, value) : "");
  const marked = (value) => value.split("`").map((part, n) => (n % 2 ? el("code", {}, part) : part));
  const badge = (state) => el("span", { class: `state edge-${state}` }, words(state));
  const count = (n) => (n ? number(n) : el("span", { class: "none" }, "–"));

  const WHO = {
    "fix-data": "whoever made the rows", "fix-mapping": "whoever decides accounts and settings",
    "reconnect-company": "the company's owner", "decide": "whoever knows the purchases", "wait": "whoever runs expense-runner", "ask-codat": "Codat's support",
  };
  const STATES = ["posted", "sent", "staged", "held", "rejected", "failed", "in_doubt"];
  const sum = (values) => values.reduce((a, b) => a + b, 0);

  // ---- what the rows are ----

  const holds = new Map(D.holds.map((hold) => [hold.company_id, { ...hold, message: clean(hold.message), way_out: clean(hold.way_out) }]));
  const companies = D.companies.map((each) => {
    const counts = Object.fromEntries(STATES.map((state) => [state, each.expenses[state] || 0]));
    const hold = holds.get(each.company_id) || null;
    const bad = each.receipts_missing + (each.receipts.rejected || 0) + (each.receipts.in_doubt || 0);
    return {
      id: clean(each.company_id), counts, bad, hold, code: each.last_sync_code, begun: seconds(each.last_sync_at),
      money: Object.entries(each.amounts).map(([currency, line]) =>
        ({ currency, accepted: money(line.accepted, currency), open: Number(line.open) ? money(line.open, currency) : "", value: Number(line.open) })),
      all: sum(Object.values(counts)),
      needs: counts.rejected + counts.failed + counts.in_doubt + counts.held + bad,
      find: `${each.company_id} ${hold ? `${hold.code} ${hold.message}` : ""}`.toLowerCase(),
    };
  });
  const keyOf = (each) => JSON.stringify([each.about, each.state, each.code, each.accounting]);
  const causes = new Map(D.causes.map((each) => [keyOf(each), each]));
  const items = D.attention.map((each) => ({
    company: clean(each.company_id), expense: clean(each.expense_id), message: clean(each.message), file: clean(each.file),
    line: each.line, currency: each.currency || "", amount: money(each.amount, each.currency || ""), receipt: clean(each.receipt),
    about: each.about, state: each.state, code: clean(each.code), accounting: each.accounting, who: each.who, command: clean(each.command),
    cause: causes.get(keyOf(each)) || { meaning: "", way_out: "" },
  }));
  const syncs = D.syncs.map((each) => ({
    company: clean(each.company_id), id: clean(each.sync_id), begun: seconds(each.begun_at),
    took: each.ended_at ? Math.max(0, seconds(each.ended_at) - seconds(each.begun_at)) : -1, code: each.code || 0,
    meaning: each.meaning, state: each.state, expenses: each.expenses, posted: each.posted, error: clean(each.error),
  }));
  const MEANINGS = Object.fromEntries(D.syncs.filter((each) => each.code).map((each) => [each.code, each.meaning]));
  const codes = (item) => [el("code", { class: "pill", title: item.cause.meaning }, item.code), item.accounting ? [" ", el("code", { class: "pill" }, item.accounting)] : ""].flat();
  const meaningOf = (sync) =>
    sync.code ? sync.meaning : { starting: "Begun; its start has no answer yet.", running: "At work.", forgotten: "Codat has forgotten it." }[sync.state] || sync.state;

  let byCompany = null;
  const itemsOf = (company) => {
    if (!byCompany) {
      byCompany = new Map();
      for (const item of items) byCompany.set(item.company, [...(byCompany.get(item.company) || []), item]);
    }
    return byCompany.get(company) || [];
  };

  const open = (row) => row.money.filter((line) => line.open);
  const moneyCell = (lines) => lines.length > 1
    ? el("span", { title: lines.map((line) => `${line.open} ${line.currency}`).join("\n") }, `${lines[0].open} ${lines[0].currency} + ${lines.length - 1}`)
    : lines.map((line) => `${line.open} ${line.currency}`);
  const linked = (id) => el("a", { href: `#companies?q=${encodeURIComponent(id)}`, class: "nowrap" }, el("code", {}, said(id)));

  const TABLES = {
    companies: {
      caption: "Companies: number of expenses in each state",
      rows: companies, sort: "-needs", noun: "companies",
      search: ["Search", "Company id, or a hold's reason", (row) => row.find],
      filters: [
        ["state", "With", [["needs", "anything that needs somebody"], ...STATES.map((s) => [s, words(s)]), ["receipts", "receipts missing or in doubt"], ["done", "everything posted"]],
          (row, value) => value === "needs" ? row.needs > 0 || row.hold !== null
            : value === "receipts" ? row.bad > 0
              : value === "done" ? row.all === row.counts.posted && !row.bad
                : row.counts[value] > 0 || (value === "held" && row.hold !== null)],
        ["hold", "Held because of", [...new Set(D.holds.map((hold) => hold.code))].sort().map((c) => [c, c]),
          (row, value) => row.hold !== null && row.hold.code === value],
      ],
      columns: [
        ["company", "Company", (r) => r.id, null],
        ["needs", "to mend", (r) => r.needs, (r) => count(r.needs), 1],
        ["all", "all", (r) => r.all, (r) => count(r.all), 1],
        ...STATES.map((state) => [state, words(state), (r) => r.counts[state], (r) => count(r.counts[state]), 1]),
        ["open", "not in the books", (r) => sum(open(r).map((line) => line.value)), (r) => moneyCell(open(r)), 1],
        ["receipts", "receipts open", (r) => r.bad, (r) => count(r.bad), 1],
        ["last", "Last sync (UTC)", (r) => r.begun, (r) => r.begun ? [el("span", {}, time(r.begun).slice(0, 16)), " ", r.code ? el("code", { class: "pill", title: MEANINGS[r.code] || "" }, String(r.code)) : ""] : "", 0, "nowrap"],
      ],
      detail: companyDetail,
    },
    attention: {
      caption: "Expenses, rows and receipts that need attention",
      rows: items, sort: "state", noun: "entries",
      search: ["Search", "Company, expense, message, file", (r) => `${r.company} ${r.expense} ${r.message} ${r.file} ${r.receipt} ${r.code} ${r.accounting || ""}`.toLowerCase()],
      filters: [
        ["about", "What", [["expense", "expenses"], ["row", "wrong rows"], ["receipt", "receipts"]], (r, value) => r.about === value],
        ["state", "State", [...new Set(items.map((r) => r.state))].map((s) => [s, words(s)]), (r, value) => r.state === value],
        ["code", "Cause", [...new Set(items.map((r) => r.code))].sort().map((c) => [c, c]), (r, value) => r.code === value],
        ["who", "Who can mend it", [...new Set(items.map((r) => r.who))].map((w) => [w, WHO[w]]), (r, value) => r.who === value],
      ],
      columns: [
        ["company", "Company", (r) => r.company, null],
        ["state", "State", (r) => ["in_doubt", "failed", "rejected", "waiting"].indexOf(r.state), (r) => [badge(r.state), r.about === "expense" ? "" : el("div", { class: "quiet" }, r.about)]],
        ["code", "Cause", (r) => r.code, (r) => codes(r)],
        ["message", "What was said", (r) => r.message || r.cause.meaning, (r) => [said(r.message || r.cause.meaning), r.receipt ? el("div", { class: "quiet" }, "receipt ", said(r.receipt)) : ""], 0, "wide"],
        ["amount", "Amount", (r) => (r.amount ? Number(r.amount.replaceAll(",", "")) : -Infinity), (r) => r.amount ? `${r.amount} ${r.currency}` : "", 1],
        ["file", "Where it came from", (r) => `${r.file} ${String(r.line).padStart(9)}`, (r) => [said(r.file), `, line ${r.line}`]],
        ["expense", "Expense", (r) => r.expense, (r) => el("code", { class: "lines" }, said(r.expense))],
      ],
      detail: (r) => causeDetail([r], false),
    },
    syncs: {
      caption: "Syncs",
      rows: syncs, sort: "-begun", noun: "syncs",
      search: ["Search", "Company id, sync id, error", (r) => `${r.company} ${r.id} ${r.error}`.toLowerCase()],
      filters: [
        ["code", "Status code", [["bad", "any that did not go well"], ["open", "not ended"], ...Object.entries(MEANINGS).map(([c, m]) => [c, `${c}: ${m}`])],
          (r, value) => value === "bad" ? r.code >= 4000 || r.code === 2040 || r.state === "forgotten" : value === "open" ? !["judged", "forgotten"].includes(r.state) : String(r.code) === value],
        ["from", "From day", "date", (r, value) => time(r.begun) >= value],
        ["to", "To day", "date", (r, value) => time(r.begun).slice(0, 10) <= value],
      ],
      columns: [
        ["company", "Company", (r) => r.company, (r) => linked(r.company)],
        ["sync", "Sync", (r) => r.id, (r) => r.id ? el("code", { class: "nowrap" }, said(r.id)) : el("span", { class: "quiet" }, "no id yet")],
        ["begun", "Started (UTC)", (r) => r.begun, (r) => el("span", { class: "nowrap" }, time(r.begun))],
        ["took", "Took", (r) => r.took, (r) => r.took < 0 ? el("span", { class: "quiet" }, "not ended") : lasting(r.took), 1],
        ["code", "Status", (r) => r.code, (r) => [r.code ? el("code", { class: `pill ${r.code >= 4000 ? "bad" : ""}` }, String(r.code)) : badge("in_doubt"), " ", meaningOf(r), r.error ? el("div", { class: "quiet" }, said(r.error)) : ""], 0, "wide"],
        ["expenses", "Expenses", (r) => r.expenses, (r) => count(r.expenses), 1],
        ["posted", "Posted", (r) => r.posted, (r) => count(r.posted), 1],
      ],
    },
  };

  function causeDetail(list, listed) {
    const groups = new Map();
    for (const item of list) {
      const key = keyOf(item);
      groups.set(key, [...(groups.get(key) || []), item]);
    }
    return el("ul", {}, [...groups.values()].map((own) => el("li", { class: `edge-${own[0].state}` },
      el("p", {}, badge(own[0].state), " ", el("b", {}, `${number(own.length)} ${own[0].about}${own.length > 1 ? "s" : ""} `), codes(own[0]), " ", own[0].cause.meaning),
      el("p", {}, el("span", { class: "who" }, WHO[own[0].who]), " ", marked(own[0].cause.way_out)),
      own[0].command ? el("code", { class: "command" }, own[0].command) : null,
      listed ? el("ul", {}, own.map((item) => el("li", {},
        el("code", {}, said(item.expense || "row")), ` ${item.amount ? `${item.amount} ${item.currency}, ` : ""}`, said(item.file), `, line ${item.line}`,
        item.receipt ? [", receipt ", said(item.receipt)] : "", item.message ? [": ", said(item.message)] : ""))) : null)));
  }

  function companyDetail(row) {
    const own = itemsOf(row.id), wanted = row.needs - row.counts.held;
    const parts = [];
    if (row.hold) {
      parts.push(el("ul", {}, el("li", { class: "edge-held" },
        el("p", {}, badge("held"), ` since ${time(seconds(row.hold.since))} UTC `, el("code", { class: "pill" }, row.hold.code), " ", said(row.hold.message)),
        el("p", {}, marked(row.hold.way_out)))));
    }
    if (row.money.length) {
      parts.push(el("p", {}, "Money: ", row.money.map((line) => `${line.accepted} ${line.currency}${line.open ? ` (${line.open} not in the books)` : ""}`).join(" · ")));
    }
    if (own.length) parts.push(causeDetail(own, true));
    if (own.length < wanted) parts.push(el("p", { class: "quiet" }, `${number(own.length)} of about ${number(wanted)} are listed here.`));
    if (!own.length && !row.hold) parts.push(el("p", {}, "Nothing needs attention."));
    parts.push(el("p", {}, el("a", { href: `#syncs?q=${encodeURIComponent(row.id)}` }, "Its syncs"), ". A page for its bookkeeper alone: ",
      LIVE ? el("a", { href: `/company/${encodeURIComponent(row.id)}` }, "open it") : el("code", {}, `expense-runner report --journal ${JOURNAL} --company ${row.id} --out ${row.id}.html`)));
    return el("div", {}, parts);
  }

  // ---- tables ----

  class Table {
    constructor(name, spec) {
      Object.assign(this, { name, spec, q: "", sort: spec.sort, page: 1, chosen: {}, size: PAGE });
      this.place = document.getElementById(`${name}-table`);
      this.build();
      this.show();
    }

    build() {
      const { spec, name } = this;
      const changed = () => { this.page = 1; this.show(); this.tell(); };
      let waiting = 0;
      this.search = el("input", { type: "search", placeholder: spec.search[1], autocomplete: "off", spellcheck: "false",
        oninput: () => { clearTimeout(waiting); waiting = setTimeout(() => { this.q = this.search.value; changed(); }, 120); } });
      const controls = [el("label", {}, spec.search[0], this.search)];
      this.inputs = {};
      for (const [key, title, kind] of spec.filters) {
        if (Array.isArray(kind) && !kind.length) continue;
        const input = kind === "date" ? el("input", { type: "date" })
          : el("select", {}, el("option", { value: "" }, "any"), kind.map(([value, label]) => el("option", { value }, label.length > 60 ? `${label.slice(0, 58)}…` : label)));
        input.addEventListener("change", () => { this.chosen[key] = input.value; changed(); });
        this.inputs[key] = input;
        controls.push(el("label", {}, title, input));
      }
      controls.push(el("button", { type: "button", class: "button", onclick: () => { this.take(new URLSearchParams()); this.tell(); } }, "Show all"));
      this.heads = spec.columns.map(([key, title, , , right]) => el("th", { scope: "col", class: right ? "number" : null },
        el("button", { type: "button", class: "plain", onclick: () => { this.sort = this.sort === `-${key}` ? key : this.sort === key ? `-${key}` : right ? `-${key}` : key; changed(); } }, title.length < 9 ? title.replaceAll(" ", "\u00a0") : title)));
      this.body = el("tbody", {});
      this.status = el("p", { role: "status" });
      const turn = (by) => () => { this.page += by; this.show(); this.tell(); };
      this.back = el("button", { type: "button", class: "button", onclick: turn(-1) }, "Previous");
      this.next = el("button", { type: "button", class: "button", onclick: turn(1) }, "Next");
      this.place.replaceChildren(
        el("form", { class: "controls", role: "search", "aria-label": spec.caption, onsubmit: (event) => event.preventDefault() }, controls),
        el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": spec.caption },
          el("table", { id: `${name}-rows` }, el("caption", {}, spec.caption), el("thead", {}, el("tr", {}, this.heads)), this.body)),
        el("div", { class: "pager" }, this.back, this.next, this.status));
    }

    found() {
      const { spec } = this;
      const q = this.q.trim().toLowerCase();
      const tests = spec.filters.filter(([key]) => this.chosen[key]).map(([key, , , test]) => (row) => test(row, this.chosen[key]));
      const rows = [];
      spec.rows.forEach((row, n) => {
        if (q) row.lower ??= spec.search[2](row);
        if ((!q || row.lower.includes(q)) && tests.every((test) => test(row))) rows.push(n);
      });
      const key = this.sort.replace(/^-/, ""), down = this.sort.startsWith("-") ? -1 : 1;
      const column = spec.columns.find(([name]) => name === key);
      if (column) {
        const values = new Map(rows.map((n) => [n, column[2](spec.rows[n])]));
        rows.sort((a, b) => {
          const x = values.get(a), y = values.get(b);
          return (x < y ? -1 : x > y ? 1 : 0) * down || a - b;
        });
      }
      return rows;
    }

    show() {
      const { spec } = this;
      const rows = this.found();
      const pages = Math.max(1, Math.ceil(rows.length / this.size));
      this.page = Math.min(Math.max(1, this.page), pages);
      const from = (this.page - 1) * this.size, shown = rows.slice(from, from + this.size);
      this.body.replaceChildren(...shown.map((n) => this.row(n)));
      if (!shown.length) this.body.append(el("tr", {}, el("td", { colspan: spec.columns.length, class: "quiet" }, "None.")));
      this.heads.forEach((head, n) => {
        const key = spec.columns[n][0];
        head.setAttribute("aria-sort", this.sort === key ? "ascending" : this.sort === `-${key}` ? "descending" : "none");
      });
      const of = rows.length === spec.rows.length ? "" : `, of ${number(spec.rows.length)} in all`;
      this.status.textContent = shown.length ? `${number(from + 1)}–${number(from + shown.length)} of ${number(rows.length)} ${spec.noun}${of}` : `No ${spec.noun}${of}`;
      this.back.disabled = this.page <= 1;
      this.next.disabled = this.page >= pages;
    }

    row(n) {
      const { spec } = this;
      const row = spec.rows[n];
      const cells = spec.columns.map(([, , value, render, right, extra], place) => {
        let content = render ? render(row) : value(row);
        if (!place && spec.detail) content = this.opener(n, row, value(row));
        return el(place ? "td" : "th", { scope: place ? null : "row", class: [right ? "number" : "", extra || ""].join(" ").trim() || null }, [content].flat());
      });
      return el("tr", {}, cells);
    }

    opener(n, row, label) {
      const { spec } = this;
      const id = `${this.name}-detail-${n}`;
      const button = el("button", { type: "button", class: "plain opener", "aria-expanded": "false", "aria-controls": id, onclick: () => {
        const line = button.closest("tr"), next = line.nextElementSibling;
        const opened = button.getAttribute("aria-expanded") === "true";
        button.setAttribute("aria-expanded", String(!opened));
        if (opened) next.remove();
        else line.after(el("tr", { class: "detail", id }, el("td", { colspan: spec.columns.length }, spec.detail(row, n))));
      } }, el("bdi", {}, label || "not known"));
      return button;
    }

    // The address holds what is shown, so that a view can be kept, sent and opened again.
    tell() {
      const values = new URLSearchParams();
      if (this.q) values.set("q", this.q);
      for (const [key, value] of Object.entries(this.chosen)) if (value) values.set(key, value);
      if (this.sort !== this.spec.sort) values.set("sort", this.sort);
      if (this.page > 1) values.set("page", String(this.page));
      const said = values.toString();
      history.replaceState(null, "", said ? `#${this.name}?${said}` : `#${this.name}`);
    }

    take(values) {
      this.q = values.get("q") || "";
      this.search.value = this.q;
      this.chosen = {};
      for (const [key, input] of Object.entries(this.inputs)) {
        const value = values.get(key) || "";
        input.value = value;
        this.chosen[key] = input.value;
        if (value && input.value !== value) {
          input.append(el("option", { value }, value));
          input.value = this.chosen[key] = value;
        }
      }
      this.sort = values.get("sort") || this.spec.sort;
      this.page = Number(values.get("page")) || 1;
      this.show();
    }
  }

  const tables = Object.fromEntries(Object.entries(TABLES).map(([name, spec]) => [name, new Table(name, spec)]));

  const follow = () => {
    const [name, query] = location.hash.slice(1).split("?");
    if (query === undefined || !Object.hasOwn(tables, name)) return;
    tables[name].take(new URLSearchParams(query));
    document.getElementById(name).scrollIntoView();
  };
  addEventListener("hashchange", follow);
  follow();

  const resize = (size) => () => { for (const table of Object.values(tables)) { table.size = size; table.show(); } };
  addEventListener("beforeprint", resize(PRINTED));
  addEventListener("afterprint", resize(PAGE));
  document.documentElement.dataset.ready = "true";
})();
