// Everything works without this file; it only adds focus moves and the quick exit.
(function () {
  'use strict'
  function enhance (root) {
    var box = root.querySelector('.govuk-error-summary') || root.querySelector('.govuk-notification-banner[role="alert"]')
    if (box) { if (!box.hasAttribute('tabindex')) box.setAttribute('tabindex', '-1'); box.focus() }
  }
  function leave () {
    var link = document.querySelector('a.dh-exit')
    if (!link) return
    document.documentElement.hidden = true
    window.location.replace(link.href)
  }
  document.addEventListener('click', function (e) {
    var t = e.target.closest ? e.target : e.target.parentElement
    if (t.closest('a.dh-exit')) { e.preventDefault(); leave(); return }
    var a = t.closest('.govuk-error-summary a[href^="#"]')
    var field = a && document.getElementById(a.getAttribute('href').slice(1))
    if (!field) return
    e.preventDefault()
    var set = field.closest('fieldset')
    var label = (set && set.querySelector('legend')) || document.querySelector('label[for="' + CSS.escape(field.id) + '"]')
    ;(label || field).scrollIntoView()
    field.focus({ preventScroll: true })
  })
  enhance(document) // load with <script src=... defer>
})()
