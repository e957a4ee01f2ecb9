"use strict";
// What the page of a study says, beside the words it shares with the review's.
Object.assign(languages.en, {
  title: "Study", question: "Which picture was changed?", left: "left", right: "right", start: "Start", instructions: "What to do", count: "{done} of {total}",
  text:
    "You will see two pictures side by side. They show the same thing, but one of them was changed. Choose the one that you think was changed. " +
    "Often you will not be sure: then guess. Sometimes the change is plain, to see whether you are looking. " +
    "Take the time you like, sit as you usually sit, and do not enlarge the page. An answer cannot be taken back.",
  keysAre: "Keys: {left} for the left picture, {right} for the right one. Or click on it.",
  tooSmall: "This window is too small to show both pictures in their full size: make it larger, or set the browser's zoom to 100 %.",
  done: "That was the last pair. Thank you.",
});
Object.assign(languages.ja, {
  title: "調査", question: "変更された画像はどちらですか？", left: "左", right: "右", start: "始める", instructions: "やり方", count: "{total} 組中 {done} 組",
  text:
    "2 枚の画像が並んで表示されます。同じものが写っていますが、1 枚は変更されています。変更されたと思うほうを選んでください。" +
    "わからないことも多いですが、そのときは勘で選んでください。注意を確かめるため、変更がはっきり見える組もあります。" +
    "時間の制限はありません。普段どおりの姿勢で、画面を拡大せずに見てください。回答は取り消せません。",
  keysAre: "キー：左の画像は {left}、右の画像は {right}。画像をクリックしてもかまいません。",
  tooSmall: "この窓は小さすぎて、2 枚の画像を正しい大きさで表示できません。窓を広げるか、ブラウザーの拡大率を 100 % にしてください。",
  done: "これで終わりです。ありがとうございました。",
});
