"""The random histories must be worth comparing on: they reach everything, and no rule can change without their noticing."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from model import histories, naive
from model.compare import newest
from model.naive import NaiveModel
from model.tables import DAY, KNOWING, WARY_TWINS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.tables import Table

OUTCOMES = {"scored", "noted", "capped", "duplicate", "late", "erased", "unknown"}
CAUSES = {"touchpoint", "inactivity", "conversion", "permission", "erasure", "reversal"}

# Each pair turns one rule of the model into a plausible misreading of it.
MISREADINGS = {
    "1: ids without their source": (
        '(source, id_) == (touchpoint["source"], touchpoint["id"])',
        'id_ == touchpoint["id"]',
    ),
    "1: a duplicate's id is never forgotten by age": ("if not entry[2] < life.as_of - LATE_AFTER]", "]"),
    "1: one id fewer is remembered": ("REMEMBERED_IDS = 128", "REMEMBERED_IDS = 127"),
    "1: one id more is remembered": ("REMEMBERED_IDS = 128", "REMEMBERED_IDS = 129"),
    "2: the moment of the erasure is after it": ("if t <= contact.erased_at or", "if t < contact.erased_at or"),
    "2: a bot wakes": (
        "human_grant = bool(rule.grants) and not self._strong(own)",
        "human_grant = bool(rule.grants)",
    ),
    "2: anything wakes": ("human_grant = bool(rule.grants) and not self._strong(own)", "human_grant = True"),
    "2: a withdrawal does not move the erasure": ("and (rule.erases or rule.withdraws):", "and rule.erases:"),
    "2: a second erasure does not move the first": ("and (rule.erases or rule.withdraws):", "and rule.withdraws:"),
    "2: a bot's withdrawal does not move the erasure": (
        "and (rule.erases or rule.withdraws):",
        "and (rule.erases or rule.withdraws) and not self._strong(own):",
    ),
    "3: a demotion due now waits": ("if t_star > until:", "if t_star >= until:"),
    "3: demotions are not taken first": ("if contact.life and t > contact.life.as_of:", "if False:"),
    "3: the last tier due goes first": ("earliest = min(due.values())", "earliest = max(due.values())"),
    "3: rounded down": ("math.ceil(", "math.floor("),
    "4: a late erasure happens at its own time": (
        "at = max(t, contact.life.as_of) if contact.life else t",
        "at = t",
    ),
    "4: the sequence begins anew": (
        "contact.erased_at = at\n",
        "contact.erased_at = at\n        contact.sequence = 0\n",
    ),
    "4: a bot does not erase": (
        "if rule.erases:\n            return",
        "if rule.erases and not self._strong(own):\n            return",
    ),
    "5: a bot grants": ("if not bot:\n            life.granted", "if True:\n            life.granted"),
    "5: a bot does not withdraw": ("life.withdrawn += [", "life.withdrawn += [] if bot else ["),
    "5: on a tie the grant wins": (
        "== channel)\n            > max(",
        "== channel)\n            >= max(",
    ),
    "5: the last arrived wins": (
        "max(t for c, t in life.granted if c == channel)",
        "[t for c, t in life.granted if c == channel][-1]",
    ),
    "5: a late grant is no grant": (
        "if not bot:\n            life.granted",
        "if not bot and t >= life.as_of - LATE_AFTER:\n            life.granted",
    ),
    "5: @ is the e-mail": (
        'life.granted += [(touchpoint["channel"] if',
        'life.granted += [("email" if',
    ),
    "5: * withdraws nothing": ('if c in (channel, "*")', "if c == channel"),
    "5: the web is leave to market": (
        "return any(channel in self.table.permission_channels for",
        'return any(channel in self.table.permission_channels | {"web"} for',
    ),
    "6: the clock goes back": ("self._decay(life, max(life.as_of, t))", "self._decay(life, t)"),
    "7: late at exactly 7 d": (
        "late = t < max(life.as_of, t) - LATE_AFTER",
        "late = t <= max(life.as_of, t) - LATE_AFTER",
    ),
    "7: never late": ("late = t < max(life.as_of, t) - LATE_AFTER", "late = False"),
    "8: the day's cap is one higher": ("len(same_day) >= rule.per_day", "len(same_day) > rule.per_day"),
    "8: the object's cap is one higher": (") >= rule.per_object", ") > rule.per_object"),
    "8: an object's cap holds for all days": (
        "return len([entry for entry in same_day if",
        "return len([entry for entry in life.scored if entry[0] == touchpoint['type'] and",
    ),
    "8: no object is an object too": (
        "if rule.per_object is None or object_id is None:",
        "if rule.per_object is None:",
    ),
    "8: the day of arrival counts": ("entry[1] == day_of(t)]", "entry[1] == day_of(life.as_of)]"),
    "8: bots use caps": ("elif not rule.weights or bot or", "elif not rule.weights or"),
    "9: a bot resets": ("if not bot:\n                for axis in", "if True:\n                for axis in"),
    "9: a late order resets nothing": (
        "if not bot:\n                for axis in",
        "if not bot and not late:\n                for axis in",
    ),
    "9: a capped order resets nothing": (
        "if not bot:\n                for axis in",
        "if not bot and outcome != 'capped':\n                for axis in",
    ),
    "9: no slack": ("RESET_SLACK = 5 * MINUTE", "RESET_SLACK = 0"),
    "9: an older reset undoes a newer one": ("if reset_at <= life.reset_at[axis]:", "if False:"),
    "9: a reset clears the axis": (
        "life.scores[axis] = min(life.scores[axis], max(0.0, left))",
        "life.scores[axis] = 0.0",
    ),
    "9: a reset may raise the axis": (
        "life.scores[axis] = min(life.scores[axis], max(0.0, left))",
        "life.scores[axis] = max(0.0, left)",
    ),
    "9: a reset may leave less than nothing": (
        "life.scores[axis] = min(life.scores[axis], max(0.0, left))",
        "life.scores[axis] = min(life.scores[axis], left)",
    ),
    "9: the ring is one shorter": ("RING = 16", "RING = 15"),
    "9: the ring is one longer": ("RING = 16", "RING = 17"),
    "9: what the reset voids stays out of the ring": (
        "ring.append(contribution)  #",
        "ring += [contribution] if t > life.reset_at[axis] else []  #",
    ),
    "9: the moment of the reset is after it": (
        "if t > life.reset_at[axis]:\n                life.scores",
        "if t >= life.reset_at[axis]:\n                life.scores",
    ),
    "9: old contributions survive at their edge": ("if c.t > reset_at)", "if c.t >= reset_at)"),
    "9: void contributions count": (
        "if t > life.reset_at[axis]:\n                life.scores",
        "if True:\n                life.scores",
    ),
    "9: no floor at 0": ("max(0.0, life.scores[axis] + self._worth", "(life.scores[axis] + self._worth"),
    "9: late arrivals are worth their full weight": (
        "life.scores[axis] + self._worth(contribution, life.as_of))",
        "life.scores[axis] + contribution.weight)",
    ),
    "9: 60 per cent is critical": ("rating < rule.critical_below", "rating <= rule.critical_below"),
    "9: no rating is critical": (
        "rating is not None and rating < rule.critical_below",
        "(rating or 0) < rule.critical_below",
    ),
    "10: leaves below its threshold only": (
        "all(life.scores[axis] > leave for",
        "all(life.scores[axis] >= leave for",
    ),
    "10: enters above its threshold only": (
        "all(life.scores[axis] >= enter for",
        "all(life.scores[axis] > enter for",
    ),
    "10: axes without a leave threshold are tested too": (
        "if name in life.earned:",
        "if name in life.earned and all(life.scores[axis] > 1 for axis in tier.enter):",
    ),
    "10: no hysteresis": ("if name in life.earned:", "if False:"),
    "10: one kind is distinct enough": (
        "if t > edge]) >= tier.distinct.at_least",
        "if t > edge]) >= tier.distinct.at_least - 1",
    ),
    "10: the window's edge is inside": (
        "in noted.values() if t > edge])",
        "in noted.values() if t >= edge])",
    ),
    "10: removals are distinct too": (
        "if weight > 0:\n                    for kind",
        "if True:\n                    for kind",
    ),
    "10: voided kinds are distinct too": (
        "if of_axis == axis:",
        "if False:",
    ),
    "11: a conversion is no cause": ("if lost_leave_axes & set(rule.resets):", "if False:"),
    "11: every reset converts": ("lost_leave_axes & set(rule.resets)", "rule.resets"),
    "11: zero converts too": (
        "lost_leave_axes & set(rule.resets)",
        "lost_leave_axes & set(self.table.half_lives if rule.zero else rule.resets)",
    ),
    "11: permission comes after conversion": (
        "if gate_before != self._gate_is_open(contact):",
        "if gate_before != self._gate_is_open(contact) and not rule.zero:",
    ),
    "11: at the touchpoint's time": (
        "held, life.as_of, cause, touchpoint)",
        'held, milliseconds(touchpoint["occurred_at"]) if touchpoint else life.as_of, cause, touchpoint)',
    ),
    "reasons: void ones too": ("if c.axis in axes and c.t > life.reset_at[c.axis] and", "if c.axis in axes and"),
    "reasons: forgotten ones too": (" and not c.forgotten", ""),
    "reasons: of every axis": ("if c.axis in axes and", "if"),
    "reasons: of greatest signed worth": (
        "alive.sort(key=lambda c: (abs(self._worth(c, life.as_of)), c.t)",
        "alive.sort(key=lambda c: (self._worth(c, life.as_of), c.t)",
    ),
    "reasons: the ring of 16 only": (
        "alive.sort(",
        "alive = [c for c in alive if c in life.rings[c.axis]]\n        alive.sort(",
    ),
    "trust: a honeypot of another type": ('"honeypot") is True,', '"honeypot"),'),
    "trust: any spelling of HEAD": ('"method") == "HEAD",', '"method") in ("HEAD", "head"),'),
    "trust: HEAD is enough": ('strong = {"bot",', 'strong = {"head-request", "bot",'),
    "trust: a flood is enough": ('strong = {"bot",', 'strong = {"flood", "bot",'),
    "trust: too soon is enough": ('strong = {"bot",', 'strong = {"too-soon", "bot",'),
    "trust: a crawler is not enough": ('"honeypot", "crawler", "convicted"}\n', '"honeypot", "convicted"}\n'),
    "trust: one crawler is unheard of": ('"user_agent") in CRAWLERS', '"user_agent") in CRAWLERS[:2]'),
    "trust: the flag cannot be switched off": ("trust.flag and", "True and"),
    "trust: crawlers cannot be switched off": ("trust.crawler and", "True and"),
    "trust: not yet 10 s from a conviction": (
        "abs(t - message.convicted_at()) <= trust.reversal_ms",
        "abs(t - message.convicted_at()) < trust.reversal_ms",
    ),
    "trust: only what occurred after it is convicted": (
        "abs(t - message.convicted_at()) <= trust.reversal_ms",
        "0 <= t - message.convicted_at() <= trust.reversal_ms",
    ),
    "trust: the newest conviction counts": (
        "self.convicted[-1] if self.convicted else NEVER",
        "max(self.convicted, default=NEVER)",
    ),
    "trust: a convicted click convicts": ('{"honeypot", *bursts}', '{"honeypot", "convicted", *bursts}'),
    "trust: the delivery told last counts": (
        "max(self.delivered, default=NEVER)",
        "self.delivered[-1] if self.delivered else NEVER",
    ),
    "trust: too soon at exactly 2 s": ("< trust.too_soon_ms", "<= trust.too_soon_ms"),
    "trust: too soon before the delivery": (
        "and 0 <= t - message.delivered_at() <",
        "and t - message.delivered_at() <",
    ),
    "trust: clicks only are too soon": (
        'holds["too-soon"] = trust',
        'holds["too-soon"] = rule.message == "clicked" and trust',
    ),
    "trust: no burst of exactly 1 s": ("<= first + within_ms]", "< first + within_ms]"),
    "trust: a burst needs one click more": ("len(span) >= trust.click_burst", "len(span) > trust.click_burst"),
    "trust: opens are clicks": (
        "for entry in message.remembered() if entry.is_click]",
        "for entry in message.remembered()]",
    ),
    "trust: only the newest click is of the burst": (
        "if t in [click[0] for click in span]]",
        "if t == max(click[0] for click in span)]",
    ),
    "trust: no link is a link too": ("for _, link in span if link}", "for _, link in span}"),
    "trust: a click without a link has many": ("and clicks[-1][1]", "and True"),
    "trust: many links are one more": ("if link}) >= trust", "if link}) > trust"),
    "trust: a flood of exactly a minute": ("abs(t_i - t) < within_ms", "abs(t_i - t) <= within_ms"),
    "trust: a flood is what came before": ("abs(t_i - t) < within_ms", "0 <= t - t_i < within_ms"),
    "trust: 29 and this one are a flood": (
        "latest = life.remembered[-touchpoints:]",
        "touchpoints -= 1; latest = life.remembered[-touchpoints:]",
    ),
    "trust: the newest 30 are asked": (
        "latest = life.remembered[-touchpoints:]",
        "latest = sorted(life.remembered, key=lambda entry: entry[2])[-touchpoints:]",
    ),
    "trust: the late are judged like others": (
        "message = None if late else self._message(life, rule, touchpoint)\n        evidence = own if late else",
        "message = self._message(life, rule, touchpoint)\n        evidence =",
    ),
    "trust: of step 2 nothing is judged": ("told.evidence, told.verdict = own, self._verdict(own)", "pass"),
    "trust: it takes one kind more": ("or len(evidence) >= self._trust", "or len(evidence) > self._trust"),
    "trust: bursts are always enough": ("burst.reverses and self", "self"),
    "trust: suspects score like humans": ("self._trust.suspect if suspect else 1", "1"),
    "trust: suspects score half of what bots do": (
        'told.verdict == "bot", told.verdict == "suspect"',
        'told.verdict != "human", told.verdict == "suspect"',
    ),
    "trust: weights are not rounded": ("round(full_weight * factor, 4)", "full_weight * factor"),
    "trust: a source without trust uses caps": (" or factor == 0:", ":"),
    "trust: a source without trust does not grant": (
        "if not bot:\n            life.granted",
        "if not bot and self._source_factor(touchpoint):\n            life.granted",
    ),
    "trust: a suspect does not grant": (
        "if not bot:\n            life.granted",
        "if not bot and not suspect:\n            life.granted",
    ),
    "trust: a suspect does not reset": (
        "if not bot:\n                for axis in",
        "if not bot and not suspect:\n                for axis in",
    ),
    "trust: an erased contact's withdrawal is not counted": (
        'told.bot_withdrawal = bool(rule.withdraws) and told.verdict == "bot"',
        "pass",
    ),
    "trust: a bot's withdrawal is not counted": ("told.bot_withdrawal = bot and bool(rule.withdraws)", "pass"),
    "trust: it is not told": ("list(self.told.evidence) if touchpoint else []", "[]"),
    "messages: one fewer": ("MESSAGES = 8", "MESSAGES = 7"),
    "messages: one more": ("MESSAGES = 8", "MESSAGES = 9"),
    "messages: one open or click fewer": ("OPENS_AND_CLICKS = 6", "OPENS_AND_CLICKS = 5"),
    "messages: one open or click more": ("OPENS_AND_CLICKS = 6", "OPENS_AND_CLICKS = 7"),
    "messages: never forgotten": ("if not m.newest() < life.as_of - LATE_AFTER]", "]"),
    "messages: forgotten by the first that is told": (
        "return max(self.delivered_at(), self.convicted_at(), *(entry.t for entry in self.remembered()))",
        "return [*self.delivered, *(entry.t for entry in self.opens_and_clicks)][0]",
    ),
    "messages: the one longest unheard of goes": (
        "if message not in life.messages:\n            life.messages.append(message)",
        "life.messages = [*(m for m in life.messages if m is not message), message]",
    ),
    "messages: bots are not entered": ("            if message:\n", "            if message and not bot:\n"),
    "messages: the late are entered": (
        "message = None if late else self._message(",
        "message = self._message(",
    ),
    "reversal: a delivery convicts": ('return rule.message != "delivered" and self', "return self"),
    "reversal: a burst does not convict": ('{"honeypot", *bursts} &', '{"honeypot"} &'),
    "reversal: a honeypot does not convict": ('{"honeypot", *bursts} &', "{*bursts} &"),
    "reversal: less than 10 s": ("if abs(entry.t - t) <= self._trust", "if abs(entry.t - t) < self._trust"),
    "reversal: only what occurred before": ("if abs(entry.t - t) <= self._trust", "if 0 <= t - entry.t <= self._trust"),
    "reversal: what did not score is not reversible": ("if entry.scored:", "if True:"),
    "reversal: a second conviction takes back again": ("entry.genuine = entry.scored = False", "pass"),
    "reversal: nothing is taken back": ("if convicts:\n", "if False:\n"),
    "reversal: clicks are forgotten": (
        "entry.genuine = entry.scored = False",
        "entry.genuine = entry.scored = entry.is_click = False",
    ),
    "revoked: no source is no touchpoint": ('"source") or touchpoint["source"]', '"source") or ""'),
    "revoked: always of its own source": (
        'source = self._text_property(touchpoint, "source") or touchpoint["source"]',
        'source = touchpoint["source"]',
    ),
    "revoked: by a bot": ("if rule.revokes and revoked and not bot:", "if rule.revokes and revoked:"),
    "revoked: by no suspect": (
        "if rule.revokes and revoked and not bot:",
        "if rule.revokes and revoked and not bot and not suspect:",
    ),
    "revoked: late it does not hold": (
        "if rule.revokes and revoked and not bot:",
        "if rule.revokes and revoked and not bot and not late:",
    ),
    "revoked: an empty id is one": ("if rule.revokes and revoked and not bot:", "if rule.revokes and not bot:"),
    "revoked: by id alone": (
        'if (c.touchpoint["source"], c.touchpoint["id"]) == (source, id_)',
        'if c.touchpoint["id"] == id_',
    ),
    "taken back: void ones too": (
        "if not is_void:\n            # Reasons",
        "if True:\n            # Reasons",
    ),
    "taken back: the worth it had": (
        "life.scores[axis] - self._worth(contribution, life.as_of)",
        "life.scores[axis] - contribution.weight",
    ),
    "taken back: the score is worked out anew": (
        "life.scores[axis] = max(0.0, life.scores[axis] - self._worth(contribution, life.as_of))",
        "life.scores[axis] = max(0.0, sum(self._worth(c, life.as_of) for c in self._counting(life, axis) if c is not contribution))",
    ),
    "taken back: it stays in the ring": ("life.rings[axis].remove(contribution)", "pass"),
    "taken back: it stays a reason": ("life.contributions.remove(contribution)", "contribution.weight += 0.0"),
    "taken back: others rise among the five": (
        "for weaker in by_worth[STRONGEST:]:\n                weaker.forgotten = True\n            life.reasons",
        "for weaker in []:\n                weaker.forgotten = True\n            life.reasons",
    ),
    "taken back: what was lost on one axis is not counted": ("self.told.not_reversible += has_lost_one", "pass"),
    "taken back: what is unknown is not counted": (
        "if not in_rings:\n            self.told.not_reversible += 1",
        "pass",
    ),
    "taken back: types stay": ("for type_, t_noted in types.items() if t_noted == t]", "for type_ in ()]"),
    "taken back: its type goes": (
        "for type_, t_noted in types.items() if t_noted == t]",
        'for type_ in types if type_ == contribution.touchpoint["type"]]',
    ),
    "taken back: days stay": ("if days.get(day_of(t)) == t:", "if False:"),
    "taken back: its day goes": ("            if of_day:\n", "            if False:\n"),
    "taken back: void ones are left of the day": (
        "if c.weight > 0 and c.t > life.reset_at[axis] and day_of(c.t) == day_of(t)",
        "if c.weight > 0 and day_of(c.t) == day_of(t)",
    ),
    "taken back: losses are left of the day": (
        "if c.weight > 0 and c.t > life.reset_at[axis] and day_of(c.t) == day_of(t)",
        "if c.t > life.reset_at[axis] and day_of(c.t) == day_of(t)",
    ),
    "taken back: what left the ring is left of the day": (
        "c.t for c in life.rings[axis] if c.weight > 0 and",
        "c.t for c in self._counting(life, axis) if c.weight > 0 and",
    ),
    "taken back: caps are not given back": ("if entry[3] != arrival]", "]"),
    "asked again: tiers entered before it too": ("and t <= life.entered_at[name]}", "}"),
    "asked again: only those entered after it": ("and t <= life.entered_at[name]}", "and t < life.entered_at[name]}"),
    "asked again: those of other axes too": (
        "if axis in self.table.tiers[name].enter and t <=",
        "if t <=",
    ),
    "asked again: by void ones too": ("if is_void or contribution.weight < 0:", "if contribution.weight < 0:"),
    "asked again: never": ("if name in asked_again:", "if False:"),
    "asked again: distinct too": (
        "if name in asked_again:  # distinct is not asked\n            return has_entered",
        "if name in asked_again:\n            return has_entered and self._is_distinct(life, tier)",
    ),
    "asked again: above the threshold": (
        "has_entered = all(life.scores[axis] >= enter for axis, enter in tier.enter.items())\n",
        "has_entered = all((life.scores[axis] > enter if name in asked_again else life.scores[axis] >= enter) for axis, enter in tier.enter.items())\n",
    ),
    "asked again: entered is what stays": (
        "life.entered_at.get(name, life.as_of) for name",
        "life.as_of for name",
    ),
    "zone: the first that is told counts": ("        life.zone = zone\n", "        life.zone = life.zone or zone\n"),
    "zone: every one turns the hours": ("if life.zone is None:  # until", "if True:  # until"),
    "zone: the first does not turn the hours": ("if life.zone is None:  # until", "if False:  # until"),
    "zone: the other way round": ("[bins[(h - k) % 24] for h", "[bins[(h + k) % 24] for h"),
    "zone: half an hour is rounded": ("k = offset // HOUR", "k = round(offset / HOUR)"),
    "zone: of suspects and bots too": (
        "if is_genuine:\n            self._set_zone",
        "if True:\n            self._set_zone",
    ),
    "zone: of known types only": (
        "if is_genuine:\n            self._set_zone",
        "if is_genuine and known:\n            self._set_zone",
    ),
    "genuine: suspects": ('is_genuine = told.verdict == "human" and', 'is_genuine = told.verdict != "bot" and'),
    "genuine: late": ('told.verdict == "human" and not late and', 'told.verdict == "human" and'),
    "genuine: of a source without trust": (
        "and not late and self._source_factor(touchpoint) > 0",
        "and not late",
    ),
    "hours: of UTC": ("return (t + offset) // HOUR % 24", "return t // HOUR % 24"),
    "hours: what is capped is no sample": ('outcome in ("scored", "capped")', 'outcome == "scored"'),
    "hours: what is noted is a sample": ('outcome in ("scored", "capped")', 'outcome in ("scored", "capped", "noted")'),
    "hours: a loss is a sample": (
        "not any(weight > 0 for weight in rule.weights.values())",
        "not rule.weights",
    ),
    "hours: somebody else's too": ("or not rule.hour or", "or"),
    "hours: ten pages are ten visits": ("if life.last_hour.get(channel) == hour_number:", "if False:"),
    "hours: once in an hour on all channels together": (
        "if life.last_hour.get(channel) == hour_number:",
        "if hour_number in life.last_hour.values():",
    ),
    "hours: halved before": ("+ 1 > self.table.hours.halve_at:", "> self.table.hours.halve_at - 2:"),
    "hours: never halved": ("+ 1 > self.table.hours.halve_at:", "> 10**9:"),
    "hours: one channel more": (
        "if len(life.bins) == CHANNELS:",
        "if len(life.bins) == CHANNELS + 1:",
    ),
    "hours: the last by name goes": (
        "least = min(life.bins, key=lambda name: (sum(life.bins[name]), name))",
        "least = max(life.bins, key=lambda name: (-sum(life.bins[name]), name))",
    ),
    "hours: the oldest channel goes": (
        "least = min(life.bins, key=lambda name: (sum(life.bins[name]), name))",
        "least = next(iter(life.bins))",
    ),
    "hours: none is taken back": ("if entry.hour:", "if False:"),
    "hours: what was no sample is taken back": ("if entry.hour:", "if True:"),
    "hours: from nothing too": ("and life.bins[channel][hour] > 0:", ":"),
    "hours: enough is one more": (
        "if sum(bins) >= self.table.hours.at_least)",
        "if sum(bins) > self.table.hours.at_least)",
    ),
    "hours: together enough is one more": (
        "if sum(together) >= self.table.hours.at_least:",
        "if sum(together) > self.table.hours.at_least:",
    ),
    "hours: of channels with enough only": (
        "sum(bins[h] for bins in life.bins.values())",
        "sum(bins[h] for bins in life.bins.values() if sum(bins) >= self.table.hours.at_least)",
    ),
    "hours: the day has two ends": ("s = [c[h - 1] + 2 * c[h] +", "s = [(c[h - 1] if h else 0) + 2 * c[h] +"),
    "hours: neighbours weigh the same": ("s = [c[h - 1] + 2 * c[h] +", "s = [c[h - 1] + c[h] +"),
    "hours: the first of the greatest": ("(s[h], c[h], -h)", "(s[h], -h)"),
    "hours: the last of equals": ("(s[h], c[h], -h)", "(s[h], c[h], h)"),
    "hours: confidence of one hour": (
        "near = c[hour - 1] + c[hour] + c[(hour + 1) % 24]",
        "near = c[hour]",
    ),
    "hours: confidence is rounded": ("(100 * near // sum(c)) / 100", "round(near / sum(c), 2)"),
    "reach: every delivery": ("is_delivered = is_first and bool", "is_delivered = bool"),
    "reach: without a delivery": (
        "not message.engaged and bool(message.delivered) and any(",
        "not message.engaged and any(",
    ),
    "reach: by bots": (
        "any(entry.genuine for entry in message.remembered())\n        )",
        "bool(message.remembered())\n        )",
    ),
    "reach: by what is remembered no more": (
        "any(entry.genuine for entry in message.remembered())\n        )",
        "any(entry.genuine for entry in message.opens_and_clicks)\n        )",
    ),
    "reach: halved without those engaged": ("            life.engaged[channel] //= 2\n", ""),
    "reach: never halved": ("MOST_DELIVERIES = 255", "MOST_DELIVERIES = 10**9"),
    "reach: halved one earlier": ("MOST_DELIVERIES = 255", "MOST_DELIVERIES = 254"),
    "reach: the channel with most deliveries goes": (
        "least = min(life.delivered, key=lambda name: (life.delivered[name], name))",
        "least = max(life.delivered, key=lambda name: (life.delivered[name], name))",
    ),
    "reach: nothing is taken back": (
        "if message.engaged and not any(entry.genuine for entry in message.remembered()):",
        "if False:",
    ),
    "reach: a conviction takes all back": (
        "if message.engaged and not any(entry.genuine for entry in message.remembered()):",
        "if message.engaged:",
    ),
    "reach: once only": ("            message.engaged = False\n", ""),
    "reach: less than nothing is taken back": (
        " and life.engaged.get(channel, 0) > 0:",
        " and channel in life.engaged:",
    ),
    "preferred: of channels not granted": (
        "for channel in self._channels(contact) if life.delivered.get(channel, 0) >= asked.deliveries]",
        "for channel in life.delivered if life.delivered.get(channel, 0) >= asked.deliveries]",
    ),
    "preferred: more deliveries": (" >= asked.deliveries]", " > asked.deliveries]"),
    "preferred: of fewer channels": ("if len(known) < asked.channels:", "if not known:"),
    "preferred: the most engaged": (
        "best = max(Fraction(life.engaged[channel], life.delivered[channel]) for channel in known)\n        known = [channel for channel in known if Fraction(life.engaged[channel], life.delivered[channel]) == best]\n",
        "best = max(life.engaged[channel] for channel in known)\n        known = [channel for channel in known if life.engaged[channel] == best]\n",
    ),
    "preferred: by name before deliveries": ("if life.delivered[channel] == most)", ")"),
    "preferred: fewer deliveries": ("most = max(life.delivered", "most = min(life.delivered"),
    "value: what is capped is not spent": (
        "if self.table.value and rule.value and not late and not bot:",
        'if self.table.value and rule.value and not late and not bot and outcome != "capped":',
    ),
    "value: sources without trust do not spend": (
        "if self.table.value and rule.value and not late and not bot:",
        "if self.table.value and rule.value and not late and not bot and factor:",
    ),
    "value: suspects do not spend": (
        "if self.table.value and rule.value and not late and not bot:",
        'if self.table.value and rule.value and not late and told.verdict == "human":',
    ),
    "value: late ones count": (
        "if self.table.value and rule.value and not late and not bot:",
        "if self.table.value and rule.value and not bot:",
    ),
    "value: bots spend": (
        "if self.table.value and rule.value and not late and not bot:",
        "if self.table.value and rule.value and not late:",
    ),
    "value: seven currencies": ("CURRENCIES = 8", "CURRENCIES = 7"),
    "value: nine currencies": ("CURRENCIES = 8", "CURRENCIES = 9"),
    "value: a refund is what was said": (
        'spent.refunded += abs(Fraction(value["amount"]))',
        'spent.refunded += Fraction(value["amount"])',
    ),
    "value: an order is never less than nothing": (
        'spent.revenue += Fraction(value["amount"])',
        'spent.revenue += max(Fraction(0), Fraction(value["amount"]))',
    ),
    "value: in floats": (
        'spent.revenue += Fraction(value["amount"])',
        'spent.revenue += Fraction(float(value["amount"]))',
    ),
    "value: no order without a value": (
        '(life.orders if rule.value == "order" else life.refunds).append(t)',
        'touchpoint.get("value") and (life.orders if rule.value == "order" else life.refunds).append(t)',
    ),
    "value: a mean of all orders": ("money(spent.revenue / spent.orders, 4)", "money(spent.revenue / orders, 4)"),
    "value: days between are rounded": (
        "(last - first) * 10_000 // (DAY * (orders - 1)) / 10_000",
        "round((last - first) / DAY / (orders - 1), 4)",
    ),
    "lifetime: of this currency's orders": ("return net / n * rate", "return net / max(1, spent.orders) * rate"),
    "lifetime: refunds are left out": ("spent.revenue - spent.refunded)", "spent.revenue)"),
    "lifetime: less than nothing": (
        "net = max(Fraction(0), spent.revenue - spent.refunded)",
        "net = spent.revenue - spent.refunded",
    ),
    "lifetime: as many orders as gaps": ("Fraction(YEAR * (n - 1), last - first)", "Fraction(YEAR * n, last - first)"),
    "lifetime: any number of orders a year": (
        "rate = min(Fraction(YEAR * (n - 1), last - first), Fraction(row.most_orders_per_year))",
        "rate = Fraction(YEAR * (n - 1), last - first)",
    ),
    "lifetime: the first year is uncertain too": ("for k in range(row.years))", "for k in range(1, row.years + 1))"),
    "lifetime: nobody lapses": (
        "if rate == 0 or life.as_of - last > row.lapsed_after_gaps * YEAR / rate:",
        "if rate == 0:",
    ),
    "lifetime: of one order as of many": (
        "if n == 1 or last == first:",
        "if last == first and n > 1:\n            rate = Fraction(1)\n        elif n == 1:",
    ),
    "points: by factor": (
        "in_force = self._weights_in_force(rule, touchpoint).values()",
        "in_force = [c.weight for c in life.contributions if c.arrival == self.arrivals]",
    ),
    "points: by the usual weights": (
        "in_force = self._weights_in_force(rule, touchpoint).values()",
        "in_force = rule.weights.values()",
    ),
    "points: losses too": ("for weight in in_force if weight > 0)", "for weight in in_force)"),
    "points: whole ones of each weight": (
        "hundredths * self.table.points_per_weight // 100",
        "sum(int(weight) for weight in in_force if weight > 0) * self.table.points_per_weight",
    ),
    "points: those of the rule beside": (
        "life.points += by_weights if rule.points is None else rule.points",
        "life.points += by_weights + (rule.points or 0)",
    ),
    "points: none is as good as not said": (
        "life.points += by_weights if rule.points is None else rule.points",
        "life.points += rule.points or by_weights",
    ),
    "points: suspects": (
        'if outcome == "scored" and told.verdict == "human":',
        'if outcome == "scored":',
    ),
    "points: for what is capped": (
        'if outcome == "scored" and told.verdict == "human":',
        'if outcome in ("scored", "capped") and told.verdict == "human":',
    ),
    "badges: of any type": ('or (badge.types and touchpoint["type"] not in badge.types):', ":"),
    "badges: one more": ("life.counts[name] >= badge.count", "life.counts[name] > badge.count"),
    "badges: one day more": (">= badge.streak_days", "> badge.streak_days"),
    "badges: an earlier day begins anew": ("if day_of(t) > day:", "if day_of(t) != day:"),
    "badges: the same day goes on": (
        "if day_of(t) > day:",
        "if day_of(t) == day:\n                    life.streaks[name] = (day, length + 1)\n                if day_of(t) > day:",
    ),
    "badges: a gap does no harm": ("length + 1 if length and day_of(t) == day + 1 else 1", "length + 1"),
    "badges: days of 24 hours": (
        "length + 1 if length and day_of(t) == day + 1 else 1",
        "length + 1 if length and day_of(t) <= day + 2 else 1",
    ),
    "11: a reversal is no cause": ("elif told.taken_back:", "elif False:"),
    "11: reversal comes before permission": (
        "if gate_before != self._gate_is_open(contact):",
        "if gate_before != self._gate_is_open(contact) and not told.taken_back:",
    ),
    "11: leave thresholds of tiers asked again": (
        "tiers[name].enter if name in lost_again else tiers[name].leave",
        "tiers[name].leave",
    ),
}


@pytest.fixture(scope="module")
def logs() -> list[list[dict]]:
    """Five logs of 4 000 touchpoints."""
    return [histories.touchpoints(seed, 4_000) for seed in range(1, 6)]


@pytest.fixture(scope="module")
def logs_answered(logs) -> list[tuple[list[dict], Table, list[tuple]]]:
    """Each log beside a pack and what the model says to it."""
    return [(log, table, list(answered(log, NaiveModel(table)))) for table in (KNOWING, WARY_TWINS) for log in logs]


@pytest.mark.parametrize("table", [KNOWING, WARY_TWINS], ids=["knowing", "wary twins"])
def test_every_outcome_and_every_cause_occurs_and_tiers_change_often(logs, table):
    """Each log alone has all outcomes and causes, up, down and lateral, every tier, and a change in 30 touchpoints."""
    for log in logs:
        model = NaiveModel(table)
        outcomes, causes, directions, tiers, answered = Counter(), Counter(), Counter(), Counter(), Counter()
        for touchpoint in log:
            outcome, changes = model.feed(touchpoint)
            outcomes[outcome] += 1
            answered[touchpoint["type"]] += outcome not in ("duplicate", "erased")
            causes.update(change["cause"] for change in changes)
            directions.update(change["direction"] for change in changes)
            tiers.update(change["to"] for change in changes)
        assert outcomes.keys() == OUTCOMES
        assert causes.keys() == CAUSES
        assert directions.keys() == {"up", "down", "lateral"}
        assert tiers.keys() == {"unengaged", *model.table.tiers}
        assert answered.keys() == {*histories.KNOWN_TYPES, *histories.UNKNOWN_TYPES}
        assert min(answered.values()) > 0
        assert causes.total() > len(log) / 30


@pytest.mark.parametrize("table", [KNOWING, WARY_TWINS], ids=["knowing", "wary twins"])
def test_every_verdict_and_all_evidence_occur_and_much_is_taken_back(logs_answered, table):
    """Evidence that the pack switches off does not."""
    told, reversals = [], Counter()
    for _, pack, answers in logs_answered:
        if pack is table:
            told += [answer[2] for answer in answers[:-1]]
            for change in (change for answer in answers[:-1] for change in answer[1]):
                reversals["lost"] += change["cause"] == "reversal" and change["lost"] != []
                reversals["gained"] += change["cause"] == "reversal" and change["gained"] != []
                reversals["convicted"] += change["cause"] == "reversal" and change["evidence"] != []
                reversals["enter told"] += change["cause"] == "reversal" and any(
                    change["thresholds"].get(name) == table.tiers[name].enter for name in change["lost"]
                )
    verdicts = Counter(one["verdict"] for one in told)
    evidence = Counter(code for one in told for code in one["evidence"])
    switched_off = {name for name, code in (("bot", "flag"), ("crawler", "crawler")) if not getattr(table.trust, code)}
    assert evidence.keys() == {*naive.EVIDENCE} - switched_off
    assert min(evidence.values()) > 20
    assert min(verdicts[verdict] for verdict in ("human", "suspect", "bot")) > 200
    assert sum(one["bot_withdrawal"] for one in told) > 5
    assert sum(one["taken_back"] for one in told) > 300
    assert sum(one["not_reversible"] for one in told) > 200
    assert sum(one["taken_back"] > 0 and one["not_reversible"] > 0 for one in told) > 10
    assert sum(one["taken_back"] > 1 for one in told) > 10
    assert reversals["lost"] > 30
    assert min(reversals[name] for name in ("gained", "convicted", "enter told")) > 2


@pytest.mark.parametrize("table", [KNOWING, WARY_TWINS], ids=["knowing", "wary twins"])
def test_every_badge_is_earned_and_several_at_once(logs_answered, table):
    """Of each name some; two by one touchpoint."""
    told = [answer[2] for _, pack, answers in logs_answered if pack is table for answer in answers[:-1]]
    badges = Counter(badge["badge"] for one in told for badge in one["badges"])
    assert badges.keys() == table.badges.keys()
    assert min(badges.values()) > 2
    assert table is KNOWING or max(len(one["badges"]) for one in told) > 1


def test_hours_and_channels_are_told_of_in_every_way(logs_answered):
    """Fallbacks and hours, of UTC and of zones, of single channels too; preferred channels of several."""
    changes = [
        change
        for _, pack, answers in logs_answered
        if pack is KNOWING
        for answer in answers[:-1]
        for change in answer[1]
        if change["best_hour"]
    ]
    fallbacks = [change for change in changes if change["best_hour"]["samples"] < 5]
    told = [change for change in changes if change["best_hour"]["samples"] >= 5]
    assert min(len(fallbacks), len(told)) > 50
    assert len({change["best_hour"]["hour"] for change in told}) == 24
    assert len({change["best_hour"]["zone"] for change in told}) > 6
    assert max(len(change["best_hour"]["channels"]) for change in told) > 3
    assert sum(change["best_hour"]["confidence"] >= 0.8 for change in told) > 20
    preferred = Counter(change["channel"] for change in changes)
    assert min(preferred[name] for name in ("email", "push", "sms", None)) > 5


def test_a_seed_always_makes_the_same_log_and_another_seed_another(logs, tmp_path: Path):
    """A difference can be found again by its seed, in a file as well."""
    assert histories.touchpoints(1, 4_000) == logs[0]
    assert logs[0] != logs[1]
    histories.write_jsonl(tmp_path / "log.jsonl", logs[0])
    with (tmp_path / "log.jsonl").open(encoding="utf-8") as file:
        assert [json.loads(line) for line in file] == logs[0]


@pytest.mark.parametrize("misreading", MISREADINGS)
def test_the_histories_notice_every_misreading_of_a_rule(
    misreading: str, logs_answered, monkeypatch: pytest.MonkeyPatch
):
    """With one rule misread the model answers at least one of the logs differently; so would a domain that misreads it."""
    rule, misread = MISREADINGS[misreading]
    source = Path(naive.__file__).read_text(encoding="utf-8")
    assert source.count(rule) == 1
    mutant = ModuleType("model.mutant")
    monkeypatch.setitem(sys.modules, mutant.__name__, mutant)  # dataclasses look their module up
    exec(compile(source.replace(rule, misread), misreading, "exec"), mutant.__dict__)
    assert any(notices(log, answers, mutant.NaiveModel(table)) for log, table, answers in logs_answered)


def answered(log: list[dict], model: NaiveModel) -> Iterator[tuple]:
    """What the model says to every touchpoint, and thinks of the contact afterwards; in the end what it says to silence."""
    for touchpoint in log:
        outcome, changes = model.feed(touchpoint)
        life = model.contacts[touchpoint["contact_id"]].life
        value = touchpoint["type"] in ("order.completed", "page.viewed") and model.value(touchpoint["contact_id"])
        yield outcome, changes, asdict(model.told), life and remembered(life), value
    yield "silence", model.expire_all(newest(log) + 40 * DAY)


def remembered(life: naive.Life) -> tuple:
    """What the product's state can be asked for too."""
    noted = {of: dict(newest) for of, newest in life.noted.items()}
    bins = {channel: list(bins) for channel, bins in life.bins.items()}
    spent = {currency: asdict(spent) for currency, spent in life.spent.items()}
    return (
        dict(life.scores), set(life.earned), noted, life.zone, bins, dict(life.delivered), dict(life.engaged),
        sorted(life.orders), sorted(life.refunds), spent, life.points, sorted(life.badges),
    )  # fmt: skip


def notices(log: list[dict], answers: list[tuple], other: NaiveModel) -> bool:
    """Whether the other model answers this log differently."""
    return any(answer != other_answer for answer, other_answer in zip(answers, answered(log, other), strict=True))
