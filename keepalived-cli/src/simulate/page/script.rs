//! What a browser that runs scripts adds: arrow keys, a line of details, a filter.

/// No `<` and no `&`, so that the page is well formed for every reader.
pub(super) const TEXT: &str = "\
(function () {
  'use strict';
  var chart = document.getElementById('chart');
  var detail = document.getElementById('detail');
  var all = function (selector, inside) {
    return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
  };
  var tell = function (event) {
    var shape = event.target.closest ? event.target.closest('[aria-label].shape') : null;
    if (!shape) { return; }
    // What has the focus is read out anyway.
    detail.setAttribute('aria-live', event.type === 'focusin' ? 'off' : 'polite');
    detail.textContent = shape.getAttribute('aria-label');
  };
  if (chart) {
    detail.hidden = false;
    chart.addEventListener('focusin', tell);
    chart.addEventListener('mouseover', tell);
    chart.addEventListener('keydown', function (event) {
      var shape = event.target.closest('.shape');
      if (!shape) { return; }
      var lane = shape.closest('.row');
      var next = null;
      var beside = all('.shape', lane);
      var at = beside.indexOf(shape);
      if (event.key === 'ArrowRight') { next = beside[at + 1]; }
      if (event.key === 'ArrowLeft') { next = beside[at - 1]; }
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        var rows = all('.row', chart).filter(function (row) { return row.querySelector('.shape'); });
        var row = rows[rows.indexOf(lane) + (event.key === 'ArrowDown' ? 1 : -1)];
        var left = shape.getBoundingClientRect().left;
        var far = function (one) { return Math.abs(one.getBoundingClientRect().left - left); };
        next = row ? all('.shape', row).sort(function (a, b) { return far(a) - far(b); })[0] : null;
      }
      if (next) { next.focus(); event.preventDefault(); }
    });
  }
  var filter = document.getElementById('filter');
  if (filter) {
    filter.parentNode.hidden = false;
    filter.addEventListener('input', function () {
      var wanted = filter.value.toLowerCase();
      var rows = all('#happenings tbody tr');
      rows.forEach(function (row) {
        row.hidden = row.textContent.toLowerCase().indexOf(wanted) === -1;
      });
      var shown = rows.filter(function (row) { return !row.hidden; }).length;
      document.getElementById('found').textContent = shown + ' of ' + rows.length + ' lines';
    });
  }
}());
";
