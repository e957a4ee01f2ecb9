"use strict";
// Everything the page says, in each language. {x} is filled in.
const languages = {
  en: {
    title: "Review", accept: "right as shown", nothing: "nothing salient", wrong: "wrong", unsure: "unsure", undo: "undo", reset: "start over",
    larger: "larger", smaller: "smaller", remove: "remove mode", hide: "hide map (hold)", cursor: "keyboard cursor", blob: "blob at cursor",
    corner: "corner at cursor / show map", own: "my own marks", status: "Status", policy: "Policy", language: "日本語", help: "Keys", close: "Close",
    reasons: {
      disagreement: "estimators disagree", threshold: "many pixels near the threshold", coverage: "marks unlike others of its class",
      mistaken: "a model is wrong here", attacked: "a model falls under attack here", unseen: "no map yet", random: "random check",
    },
    saved: "saved", saving: "saving …", lost: "Connection lost. Nothing you decided is lost; trying again …", loading: "loading …",
    count: "{done} of {total} ({mine} by you)", left: "about {time} left", inSeconds: "{n} s", inMinutes: "{n} min", inHours: "{n} h",
    blind: "Mark what matters, then press {key} to see the map.", noMap: "Nobody has looked at this image yet.", noMapToAccept: "There is no map to be right. {key}: nothing salient, or mark something.", empty: "The map marks nothing.",
    done: "Nothing is left for you. Thank you.", undone: "Taken back: decide again.", nothingToUndo: "There is nothing to undo.",
    edited: "corrected", noToken: "Open this page by the link that was printed for you.", revealFirst: "Press {key} first: then decide.", reveal: "show map",
    pendingDropped: "A decision of somebody else, or of another review, was still on its way in this tab: it was dropped.",
    gestures: "Drag: add a box (with Shift, or in remove mode: remove one). Click: add or remove a blob. With the keyboard cursor: arrows move it (Shift: one pixel).",
    person: "Person", decisions: "Decisions", seconds: "Seconds each", caught: "Planted wrong maps caught", passed: "Right maps left alone", consistent: "Alike when shown again",
    shownFor: "Shown for", changed: "Map changed", two: "Two people on the same image", raw: "Alike", regions: "Regions: IoU mean / 10th percentile",
    stretch: "Decisions in order", hours: "{decided} decided, {left} left; {hours} person-hours", log: "Log: {lines} lines, head {head}", restRow: "People would change, of those nobody looked at", correctedRow: "Wrong after all, seen what people miss",
    caution: "Where nearly all decisions are the same, alpha falls to 0 or below although people agree: read it beside the raw agreement and AC1.",
    refused: {
      401: "This link is not valid: ask for a new one.", 409: "This image was decided in another window, or has gone to somebody else.",
      413: "This correction is too ragged to be stored: undo some of it, or mark it with boxes.", 421: "This server does not go by that name: open the link that was printed for you.",
    },
    disputed: "{n} disputed", of: "{hits} of {trials}", interval: "{low} to {high}",
  },
  ja: {
    title: "レビュー", accept: "このまま正しい", nothing: "顕著な部分なし", wrong: "誤り", unsure: "判断できない", undo: "元に戻す", reset: "やり直す",
    larger: "広げる", smaller: "狭める", remove: "削除モード", hide: "マップを隠す（押す間）", cursor: "キーボードカーソル", blob: "カーソル位置の領域",
    corner: "カーソル位置を角に／マップ表示", own: "自分の印を使う", status: "状況", policy: "方針", language: "English", help: "キー", close: "閉じる",
    reasons: {
      disagreement: "推定器どうしが不一致", threshold: "しきい値付近の画素が多い", coverage: "同じクラスの他の画像と範囲が大きく異なる",
      mistaken: "モデルが誤る画像", attacked: "攻撃でモデルが誤る画像", unseen: "マップがまだない", random: "無作為の確認",
    },
    saved: "保存しました", saving: "保存中…", lost: "接続が切れました。決定は失われていません。再試行中…", loading: "読み込み中…",
    count: "{total} 件中 {done} 件（あなた {mine} 件）", left: "残り約 {time}", inSeconds: "{n} 秒", inMinutes: "{n} 分", inHours: "{n} 時間",
    blind: "大事な部分に印を付け、{key} でマップを表示してください。", noMap: "この画像はまだ誰も見ていません。", noMapToAccept: "正しいとするマップがありません。{key}：顕著な部分なし、または印を付けてください。", empty: "マップには印がありません。",
    done: "あなたの分は終わりました。ありがとうございました。", undone: "取り消しました。もう一度決めてください。", nothingToUndo: "元に戻すものはありません。",
    edited: "修正済み", noToken: "あなたに渡されたリンクから開いてください。", revealFirst: "まず {key} を押してから決めてください。", reveal: "マップを表示",
    pendingDropped: "この画面には、別の人または別のレビューの送信前の決定が残っていたため、破棄しました。",
    gestures: "ドラッグ：枠を追加（Shift または削除モードで削除）。クリック：領域を追加・削除。キーボードカーソル：矢印で移動（Shift で 1 画素）。",
    person: "担当者", decisions: "決定数", seconds: "1 件の秒数", caught: "仕込んだ誤りの発見", passed: "正しいマップの維持", consistent: "再提示での一致",
    shownFor: "提示の理由", changed: "マップの変更", two: "同じ画像を見た二人", raw: "一致", regions: "領域：IoU 平均／下位 10 %",
    stretch: "決定の順", hours: "決定 {decided} 件、残り {left} 件、{hours} 人時", log: "記録：{lines} 行、最後のハッシュ {head}", restRow: "誰も見ていない画像のうち変更されるはずの割合", correctedRow: "見落としを考慮した誤りの割合",
    caution: "ほとんどの決定が同じとき、人々が一致していても α は 0 以下になります。一致率と AC1 と並べて読んでください。",
    refused: {
      400: "サーバーはこの内容を受け付けませんでした。", 403: "ほかのページからは使えません。渡されたリンクを開いてください。", 404: "見つかりません。ほかの人に渡ったか、もう扱えません。",
      503: "サーバーで読み書きに失敗しました", 401: "このリンクは無効です。新しいリンクを受け取ってください。", 409: "この画像は別の画面で決定済みか、ほかの人に渡っています。",
      413: "修正が細かすぎて保存できません。一部を元に戻すか、枠で印を付けてください。", 421: "この名前ではサーバーに接続できません。渡されたリンクを開いてください。",
    },
    disputed: "不一致 {n} 件", of: "{trials} 件中 {hits} 件", interval: "{low}～{high}",
  },
};

let language = localStorage.getItem("language") || ((navigator.language || "").startsWith("ja") ? "ja" : "en");

function say(word, values = {}) {
  return languages[language][word].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
