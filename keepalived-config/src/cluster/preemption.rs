//! Who lets whom be master, and what that does to everything else in the files.

use super::pairing::Router;
use super::priorities::{range, weighs_failures};
use super::{Findings, Member};
use crate::diagnostic::Severity::Warning;
use crate::model::Preempt;

pub(super) fn pitfalls(router: &Router<'_>, findings: &mut Findings<'_>) {
    let members = &router.members;
    if members.len() < 2 {
        return;
    }
    missing(members, findings);
    never(members, findings);
    delays(members, findings);
}

/// `nopreempt` matters on whoever would otherwise take over: not on the node of the lowest priority.
fn missing(members: &[Member<'_>], findings: &mut Findings<'_>) {
    let never = |member: &Member<'_>| member.instance.preempt == Preempt::Never;
    if !members.iter().any(never) || members.iter().all(never) {
        return;
    }
    let lowest = members.iter().map(|member| member.instance.priority).min();
    let lowest: Vec<Member<'_>> = members
        .iter()
        .filter(|member| Some(member.instance.priority) == lowest)
        .copied()
        .collect();
    let without: Vec<Member<'_>> = members
        .iter()
        .filter(|member| {
            !never(member)
                && Some(member.instance.priority) != lowest.first().map(|low| low.instance.priority)
        })
        .copied()
        .collect();
    if without.is_empty() {
        return;
    }
    findings.add(
        Warning,
        "nopreempt-missing",
        &without,
        [
            format!(
                "`{}` has `nopreempt` on some nodes, but not on {}",
                without[0].instance.name.value,
                without
                    .iter()
                    .map(|member| findings.node(member))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            "a node without it takes over from a living master of lower priority all the same"
                .to_owned(),
            "set `nopreempt` on all nodes, or on none".to_owned(),
        ],
    );
}

/// A weight that a living master loses moves nothing where no backup may take over from it.
fn never(members: &[Member<'_>], findings: &mut Findings<'_>) {
    let stuck: Vec<Member<'_>> = members
        .iter()
        .filter(|member| {
            let mut others = members.iter().filter(|other| other.node != member.node);
            weighs_failures(member, findings)
                && others.all(|other| other.instance.preempt == Preempt::Never)
        })
        .copied()
        .collect();
    let Some(first) = stuck.first() else {
        return;
    };
    let nodes: Vec<&str> = stuck.iter().map(|member| findings.node(member)).collect();
    findings.add(
        Warning,
        "weights-and-nopreempt",
        &stuck,
        [
            format!(
                "`{}` tracks by weight on {}, and every other node has `nopreempt`",
                first.instance.name.value,
                nodes.join(", ")
            ),
            "a backup with `nopreempt` leaves a living master alone, however low its priority \
            falls: nothing that counts by weight can move the addresses away"
                .to_owned(),
            "track without weight, so that a failure is FAULT, or remove `nopreempt`".to_owned(),
        ],
    );
}

/// `preempt_delay` is for a node that takes over from a lower one; the lowest never does.
fn delays(members: &[Member<'_>], findings: &mut Findings<'_>) {
    let delayed = |member: &&Member<'_>| matches!(member.instance.preempt, Preempt::After(_));
    let fixed = members.iter().all(|member| {
        let (highest, lowest) = range(member.instance);
        highest == lowest
    });
    let priorities = || members.iter().map(|member| member.instance.priority);
    let (Some(lowest), Some(highest)) = (priorities().min(), priorities().max()) else {
        return;
    };
    let with: Vec<Member<'_>> = members.iter().filter(delayed).copied().collect();
    let useless = with.iter().all(|member| member.instance.priority == lowest);
    let [first, ..] = with.as_slice() else {
        return;
    };
    if !fixed || lowest == highest || !useless {
        return;
    }
    findings.add(
        Warning,
        "preempt-delay-misplaced",
        &with,
        [
            format!(
                "`{}` has `preempt_delay` on {} only, which has the lowest priority",
                first.instance.name.value,
                findings.node(first)
            ),
            "it never takes over from a living master, so that the delay does nothing; the node \
            that does has none"
                .to_owned(),
            "put `preempt_delay` on the nodes of higher priority".to_owned(),
        ],
    );
}
